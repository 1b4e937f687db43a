// Listeners, pools and members out of what haproxy 2.6.12 said, a member of it down and one without a check.

import Testing

@testable import AmphoraAgent

@Suite struct HAProxyReadingTests {
  private static let configuration = """
    # Configuration for loadbalancer 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10
    global
        stats socket /var/lib/octavia/0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10.sock mode 0666 level user
    frontend c1a7b3de-0000-4000-8000-000000000001
        maxconn 2000
        bind 203.0.113.10:80
        bind 2001:db8::10:80
        mode http
        default_backend d0000000-0000-4000-8000-000000000001:c1a7b3de-0000-4000-8000-000000000001
    backend d0000000-0000-4000-8000-000000000001:c1a7b3de-0000-4000-8000-000000000001
        mode http
        balance leastconn
        server f0000000-0000-4000-8000-000000000001 10.0.1.21:8080 weight 1 check inter 1s fall 2 rise 1
        server f0000000-0000-4000-8000-000000000002 2001:db8:1::22:8080 weight 1 check inter 1s fall 2 rise 1
        server f0000000-0000-4000-8000-000000000003 10.0.1.23:8080 weight 0
    """

  private static let statistics = """
    # pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight,act,bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,lbtot,tracked,type,rate,rate_lim,rate_max,check_status,check_code,check_duration,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,req_rate,req_rate_max,req_tot,cli_abrt,srv_abrt,comp_in,comp_out,comp_byp,comp_rsp,lastsess,last_chk,last_agt,qtime,ctime,rtime,ttime,agent_status,agent_code,agent_duration,check_desc,agent_desc,check_rise,check_fall,check_health,agent_rise,agent_fall,agent_health,addr,cookie,mode,algo,conn_rate,conn_rate_max,conn_tot,intercepted,dcon,dses,wrew,connect,reuse,cache_lookups,cache_hits,srv_icur,src_ilim,qtime_max,ctime_max,rtime_max,ttime_max,eint,idle_conn_cur,safe_conn_cur,used_conn_cur,need_conn_est,uweight,agg_server_status,agg_server_check_status,agg_check_status,-,ssl_sess,ssl_reused_sess,ssl_failed_handshake,h2_headers_rcvd,h2_data_rcvd,h2_settings_rcvd,h2_rst_stream_rcvd,h2_goaway_rcvd,h2_detected_conn_protocol_errors,h2_detected_strm_protocol_errors,h2_rst_stream_resp,h2_goaway_resp,h2_open_connections,h2_backend_open_streams,h2_total_connections,h2_backend_total_streams,h1_open_connections,h1_open_streams,h1_total_connections,h1_total_streams,h1_bytes_in,h1_bytes_out,h1_spliced_bytes_in,h1_spliced_bytes_out,
    c1a7b3de-0000-4000-8000-000000000001,FRONTEND,,,0,0,2000,0,0,0,0,0,0,,,,,OPEN,,,,,,,,,1,2,0,,,,0,0,0,0,,,,0,0,0,0,0,0,,0,0,0,,,0,0,0,0,,,,,,,,,,,,,,,,,,,,,http,,0,0,0,0,0,0,0,,,0,0,,,,,,,0,,,,,,,,,-,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,
    d0000000-0000-4000-8000-000000000001:c1a7b3de-0000-4000-8000-000000000001,f0000000-0000-4000-8000-000000000001,0,0,0,0,,0,0,0,,0,,0,0,0,0,DOWN,1,1,0,1,1,4,4,,1,3,1,,0,,2,0,,0,L4CON,,0,0,0,0,0,0,0,,,,0,0,0,,,,,-1,Connection refused,,0,0,0,0,,,,Layer4 connection problem,,1,2,0,,,,,,http,,,,,,,,0,0,0,,,0,,0,0,0,0,0,0,0,0,1,1,,,,-,0,0,0,,,,,,,,,,,,,,,,,,,,,,
    d0000000-0000-4000-8000-000000000001:c1a7b3de-0000-4000-8000-000000000001,f0000000-0000-4000-8000-000000000002,0,0,0,0,,0,0,0,,0,,0,0,0,0,UP,1,1,0,0,0,5,0,,1,3,2,,0,,2,0,,0,L7OK,200,5,0,0,0,0,0,0,,,,0,0,0,,,,,-1,,,0,0,0,0,,,,Layer7 check passed,,1,2,2,,,,,,http,,,,,,,,0,0,0,,,0,,0,0,0,0,0,0,0,0,1,1,,,,-,0,0,0,,,,,,,,,,,,,,,,,,,,,,
    d0000000-0000-4000-8000-000000000001:c1a7b3de-0000-4000-8000-000000000001,f0000000-0000-4000-8000-000000000003,0,0,0,0,,0,0,0,,0,,0,0,0,0,no check,0,1,0,,,5,,,1,3,3,,0,,2,0,,0,,,,0,0,0,0,0,0,,,,0,0,0,,,,,-1,,,0,0,0,0,,,,,,,,,,,,,,http,,,,,,,,0,0,0,,,0,,0,0,0,0,0,0,0,0,0,0,,,,-,0,0,0,,,,,,,,,,,,,,,,,,,,,,
    d0000000-0000-4000-8000-000000000001:c1a7b3de-0000-4000-8000-000000000001,BACKEND,0,0,0,0,200,0,0,0,0,0,,0,0,0,0,UP,1,1,0,,0,5,0,,1,3,0,,0,,1,0,,0,,,,0,0,0,0,0,0,,,,0,0,0,0,0,0,0,-1,,,0,0,0,0,,,,,,,,,,,,,,http,,,,,,,,0,0,0,0,0,,,0,0,0,0,0,,,,,1,0,0,0,-,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,9,9,918,72,0,0,
    """

  private func reading(_ text: String? = Self.statistics) throws -> HAProxyReading {
    HAProxyReading(
      text.flatMap { StatsTable(csv: Array("\($0)\n".utf8)) }, try HAProxyConfiguration(parsing: Self.configuration),
      HAProxyAddresses(parsing: Self.configuration))
  }

  @Test func `a listener has its addresses, its sessions and their limit`() throws {
    let listener = try #require(try reading().listeners.first)
    #expect(listener.id == "c1a7b3de-0000-4000-8000-000000000001" && listener.mode == "HTTP")
    #expect(listener.binds == ["203.0.113.10:80", "[2001:db8::10]:80"])
    #expect(listener.state == "OPEN" && listener.sessions == 0 && listener.sessionLimit == 2000)
    #expect(listener.rate == 0 && listener.requestRate == 0 && listener.serverErrors == 0 && listener.isWell)
  }

  @Test func `a member that is down says why, since when and how often`() throws {
    let pool = try #require(try reading().pools.first)
    #expect(pool.id == "d0000000-0000-4000-8000-000000000001" && pool.state == "UP" && pool.algorithm == "leastconn")
    #expect(pool.listener == "c1a7b3de-0000-4000-8000-000000000001" && pool.members.count == 3)
    let down = pool.members[0]
    #expect(down.address == "10.0.1.21:8080" && down.state == "DOWN" && down.weight == 1 && !down.isUp)
    #expect(down.check == "L4CON" && down.reason == "Layer4 connection problem: Connection refused")
    #expect(down.checkMilliseconds == 0 && down.changed == 4 && down.timesDown == 1 && down.downtime == 4)
    #expect(pool.notUp.map(\.id) == [down.id, pool.members[2].id])
  }

  @Test func `members that are up, and that nobody checks`() throws {
    let members = try #require(try reading().pools.first).members
    #expect(members[1].state == "UP" && members[1].isUp && members[1].address == "[2001:db8:1::22]:8080")
    #expect(members[1].check == "L7OK 200" && members[1].reason == "Layer7 check passed 200")
    // Weight 0 and no check: it gets nothing new.
    #expect(members[2].state == "no check" && members[2].check == nil && members[2].reason == nil)
  }

  @Test func `a haproxy that says nothing still has the listeners of its configuration`() throws {
    let silent = try reading(nil)
    #expect(silent.listeners.map(\.binds.count) == [2] && silent.listeners[0].state == nil && silent.pools == [])
  }
}
