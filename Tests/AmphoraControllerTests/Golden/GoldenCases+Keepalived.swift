// Small cases of keepalived.

@testable import AmphoraController

extension GoldenCase {
  private static let second = Documents.member(["id": .string(Documents.id("f", 2)), "address": "10.0.1.22"])
  private static let http: [String: DocumentValue] = [
    "http_method": "GET", "url_path": "/live?a=1&b=2", "expected_codes": "200,301",
  ]

  static let keepalived = [udp, sctp, lvsHTTP, lvsDisabled, vrrp]

  private static let udp = GoldenCase(
    name: "a UDP listener for both IP versions",
    document: Documents.balancer(listeners: [
      Documents.listener(
        "UDP", port: 53, pool: "UDP", ["connection_limit": 98],
        pool: [
          "lb_algorithm": "SOURCE_IP", "session_persistence": ["type": "SOURCE_IP", "persistence_timeout": 0],
          "healthmonitor": Documents.monitor("UDP-CONNECT"),
          "members": [
            Documents.member(["protocol_port": 53, "monitor_address": "10.0.9.21"]),
            second.replacing(["address"], with: "2001:db8:1::22"),
            second.replacing(["id"], with: .string(Documents.id("f", 3))).replacing(["admin_state_up"], with: false),
          ],
        ])
    ]).replacing(["loadbalancer", "additional_vips"], with: [["ip_address": "2001:db8:2::20"]]),
    file: "lvs-\(Documents.listenerID).conf",
    text: #"""
      # Configuration for Loadbalancer 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10
      # Configuration for Listener c1a7b3de-0000-4000-8000-000000000001

      net_namespace amphora-haproxy

      virtual_server_group ipv4-group {
          10.0.0.10 53
      }

      virtual_server group ipv4-group {
          lb_algo sh
          lb_kind NAT
          protocol UDP
          persistence_timeout 360
          persistence_granularity 255.255.255.255
          delay_loop 5
          delay_before_retry 5
          retry 3


          # Configuration for Pool d0000000-0000-4000-8000-000000000001
          # Configuration for HealthMonitor e0000000-0000-4000-8000-000000000001
          # Configuration for Member f0000000-0000-4000-8000-000000000001
          real_server 10.0.1.21 53 {
              weight 1
              uthreshold 98
              MISC_CHECK {
                  misc_path "/var/lib/octavia/lvs/check/udp_check.sh 10.0.9.21 53"
                  misc_timeout 3
              }
          }

          # Member f0000000-0000-4000-8000-000000000003 is disabled

      }
      virtual_server_group ipv6-group {
          2001:db8:2::20 53
      }

      virtual_server group ipv6-group {
          lb_algo sh
          lb_kind NAT
          protocol UDP
          persistence_timeout 360
          persistence_granularity 128
          delay_loop 5
          delay_before_retry 5
          retry 3


          # Configuration for Pool d0000000-0000-4000-8000-000000000001
          # Configuration for HealthMonitor e0000000-0000-4000-8000-000000000001
          # Configuration for Member f0000000-0000-4000-8000-000000000002
          real_server 2001:db8:1::22 8080 {
              weight 1
              uthreshold 98
              MISC_CHECK {
                  misc_path "/var/lib/octavia/lvs/check/udp_check.sh 2001:db8:1::22 8080"
                  misc_timeout 3
              }
          }

      }


      """#)

  private static let sctp = GoldenCase(
    name: "an SCTP listener",
    document: Documents.balancer(listeners: [
      Documents.listener("SCTP", port: 3868, pool: "SCTP", pool: ["healthmonitor": Documents.monitor("SCTP")])
    ]),
    file: "lvs-\(Documents.listenerID).conf",
    text: #"""
      virtual_server group ipv4-group {
          lb_algo wrr
          lb_kind NAT
          protocol SCTP
          delay_loop 5
          delay_before_retry 5
          retry 3


          # Configuration for Pool d0000000-0000-4000-8000-000000000001
          # Configuration for HealthMonitor e0000000-0000-4000-8000-000000000001
          # Configuration for Member f0000000-0000-4000-8000-000000000001
          real_server 10.0.1.21 8080 {
              weight 1
              MISC_CHECK {
                  misc_path "amphora-health-checker sctp -t 3 10.0.1.21 8080"
                  misc_timeout 4
              }
          }

      }


      """#)

  private static let lvsHTTP = GoldenCase(
    name: "an HTTP monitor of a UDP pool",
    document: Documents.balancer(listeners: [
      Documents.listener("UDP", port: 53, pool: "UDP", pool: ["healthmonitor": Documents.monitor("HTTP", http)])
    ]),
    file: "lvs-\(Documents.listenerID).conf",
    text: #"""
          real_server 10.0.1.21 8080 {
              weight 1
              HTTP_GET {
                  url {
                    path /live?a=1&amp;b=2
                    status_code 200
                  }
                  url {
                    path /live?a=1&amp;b=2
                    status_code 301
                  }
                  connect_ip 10.0.1.21
                  connect_port 8080
                  connect_timeout 3
              }
          }

      }


      """#)

  private static let lvsDisabled = GoldenCase(
    name: "a disabled UDP listener",
    document: Documents.balancer(listeners: [
      Documents.listener("UDP", port: 53, pool: "UDP", ["admin_state_up": false])
    ]),
    file: "lvs-\(Documents.listenerID).conf",
    text: #"""
      # Configuration for Loadbalancer 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10
      # Listener c1a7b3de-0000-4000-8000-000000000001 is disabled

      net_namespace amphora-haproxy


      """#)

  private static let vrrp = GoldenCase(
    name: "VRRP of a pair",
    document: Documents.balancer(listeners: [Documents.listener("HTTP")])
      .replacing(["context"], with: Documents.pairContext)
      .replacing(["context", "options"], with: [:])
      .replacing(
        ["loadbalancer", "additional_vips"],
        with: [
          ["ip_address": "10.0.9.9", "subnet_id": "subnet-4"], ["ip_address": "10.0.10.7", "subnet_id": "subnet-4"],
          ["ip_address": "2001:db8:2::20", "subnet_id": "subnet-6"],
        ]),
    file: "keepalived.conf",
    text: #"""
      vrrp_script check_script {
          script /var/lib/octavia/vrrp/check_script.sh
          interval 5
          fall 2
          rise 2
      }

      vrrp_instance 0b1f9a515d9b4d6e9d3b0f1f4c3b2a10 {
          interface eth1
          virtual_router_id 1
          priority 100
          nopreempt
          accept
          garp_master_refresh 5
          garp_master_refresh_repeat 2
          advert_int 1
          authentication {
              auth_type PASS
              auth_pass 6d1c0f2
          }

          unicast_src_ip 10.0.0.3
          unicast_peer {
              10.0.0.4
          }

          virtual_ipaddress {
              10.0.0.10
              10.0.10.7
              10.0.9.9
          }

          virtual_ipaddress_excluded {
              2001:db8:2::20
          }

          virtual_routes {
              10.0.0.0/24 dev eth1 src 10.0.0.10 scope link table 1
              default via 10.0.0.1 dev eth1 onlink table 1
              10.50.0.0/16 dev eth1 gateway 10.0.0.254 onlink table 1
              10.0.0.0/24 dev eth1 src 10.0.10.7 scope link table 1
              default via 10.0.0.1 dev eth1 onlink table 1
              10.50.0.0/16 dev eth1 gateway 10.0.0.254 onlink table 1
              10.0.0.0/24 dev eth1 src 10.0.9.9 scope link table 1
              default via 10.0.0.1 dev eth1 onlink table 1
              10.50.0.0/16 dev eth1 gateway 10.0.0.254 onlink table 1
              2001:db8:2::/64 dev eth1 src 2001:db8:2::20 scope link table 1
              default via 2001:db8:2::1 dev eth1 onlink table 1
          }

          virtual_rules {
              from 10.0.0.10/32 table 1 priority 100
              from 10.0.10.7/32 table 1 priority 100
              from 10.0.9.9/32 table 1 priority 100
              from 2001:db8:2::20/128 table 1 priority 100
          }

          track_script {
              check_script
          }
      }
      """#)
}
