// Small cases of haproxy.cfg: policies, monitors, persistence.

@testable import AmphoraController

extension GoldenCase {
  private static let second = Documents.member(["id": .string(Documents.id("f", 2)), "address": "10.0.1.22"])

  static let backends = [policies, monitor, pair]

  private static let policies = GoldenCase(
    name: "layer 7 policies",
    document: Documents.balancer(
      listeners: [
        Documents.listener(
          "HTTP", pool: "HTTP",
          [
            "l7policies": [
              Documents.policy(4, "REDIRECT_TO_POOL", ["redirect_pool_id": .string(Documents.otherPoolID)]),
              Documents.policy(
                1, "REJECT",
                rule: ["type": "COOKIE", "key": "c&d", "compare_type": "REGEX", "value": "^a b\\d<'$", "invert": true]),
              Documents.policy(
                2, "REDIRECT_TO_URL", ["redirect_url": "https://www.example.com/?a=1&b=2", "redirect_http_code": 307],
                rule: ["type": "FILE_TYPE", "compare_type": "EQUAL_TO", "value": "jpg"]),
              Documents.policy(
                3, "REDIRECT_PREFIX", ["redirect_prefix": "https://www.example.com"],
                rule: ["type": "HOST_NAME", "compare_type": "ENDS_WITH", "value": ".example.org"]),
              Documents.policy(5, "REJECT", ["admin_state_up": false]),
            ]
          ])
      ],
      pools: [Documents.pool("PROXYV2", ["id": .string(Documents.otherPoolID), "lb_algorithm": "SOURCE_IP"])]),
    file: "haproxy.cfg",
    text: #"""
      frontend c1a7b3de-0000-4000-8000-000000000001
          maxconn 50000
          bind 10.0.0.10:80
          mode http
              acl b0000000-0000-4000-8000-000000000001 req.cook(c&amp;d) -m reg ^a\ b\\d&lt;&#39;$
          http-request deny if !b0000000-0000-4000-8000-000000000001
              acl b0000000-0000-4000-8000-000000000002 path_end  jpg
          redirect code 307 location https://www.example.com/?a=1&amp;b=2 if b0000000-0000-4000-8000-000000000002
              acl b0000000-0000-4000-8000-000000000003 req.hdr(host) -i -m end .example.org
          redirect prefix https://www.example.com if b0000000-0000-4000-8000-000000000003
              acl b0000000-0000-4000-8000-000000000004 path -m beg /api
          use_backend d0000000-0000-4000-8000-000000000002:c1a7b3de-0000-4000-8000-000000000001 if b0000000-0000-4000-8000-000000000004
          default_backend d0000000-0000-4000-8000-000000000001:c1a7b3de-0000-4000-8000-000000000001
          timeout client 50000
          log-format 7ac5d5c0c9f14b6f8e7d6c5b4a392817\ 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10\ %f\ %ci\ %cp\ %t\ %{+Q}r\ %ST\ %B\ %U\ %[ssl_c_verify]\ %{+Q}[ssl_c_s_dn]\ %b\ %s\ %Tt\ %tsc

      backend d0000000-0000-4000-8000-000000000001:c1a7b3de-0000-4000-8000-000000000001
          mode http
          http-reuse safe
          balance roundrobin
          fullconn 50000
          option allbackups
          timeout connect 5000
          timeout server 50000
          server f0000000-0000-4000-8000-000000000001 10.0.1.21:8080 weight 1

      backend d0000000-0000-4000-8000-000000000002:c1a7b3de-0000-4000-8000-000000000001
          mode http
          http-reuse safe
          balance source
          fullconn 50000
          option allbackups
          timeout connect 5000
          timeout server 50000
          server f0000000-0000-4000-8000-000000000001 10.0.1.21:8080 weight 1 send-proxy-v2


      """#)

  private static let monitor = GoldenCase(
    name: "an HTTP monitor, and members that are checked elsewhere",
    document: Documents.balancer(listeners: [
      Documents.listener(
        "HTTP", pool: "HTTP",
        pool: [
          "session_persistence": ["type": "HTTP_COOKIE"],
          "healthmonitor": Documents.monitor(
            "HTTP",
            [
              "http_method": "HEAD", "url_path": "/live?a=1&b=2", "expected_codes": "302, 200-202,200",
              "http_version": .number(1.1), "domain_name": "www.example.com", "max_retries_down": 6,
            ]),
          "members": [
            Documents.member(["monitor_address": "2001:db8:9::22", "monitor_port": 81, "admin_state_up": false]),
            second.replacing(["weight"], with: 0),
          ],
        ])
    ]),
    file: "haproxy.cfg",
    text: #"""
      backend d0000000-0000-4000-8000-000000000001:c1a7b3de-0000-4000-8000-000000000001
          mode http
          http-reuse safe
          balance roundrobin
          cookie SRV insert indirect nocache
          load-server-state-from-file global
          timeout check 3s
          option httpchk HEAD /live?a=1&amp;b=2 HTTP/1.1
          http-check send hdr Host www.example.com
          http-check expect rstatus 200|201|202|302
          fullconn 50000
          option allbackups
          timeout connect 5000
          timeout server 50000
          server f0000000-0000-4000-8000-000000000001 10.0.1.21:8080 weight 1 check inter 5s fall 6 rise 2 addr [2001:db8:9::22] port 81 cookie f0000000-0000-4000-8000-000000000001 disabled
          server f0000000-0000-4000-8000-000000000002 10.0.1.22:8080 weight 0 check inter 5s fall 6 rise 2 cookie f0000000-0000-4000-8000-000000000002


      """#)

  private static let pair = GoldenCase(
    name: "the shared tables of a pair",
    document: Documents.balancer(listeners: [
      Documents.listener(
        "HTTP", pool: "HTTP", pool: ["session_persistence": ["type": "APP_COOKIE", "cookie_name": "JSESSIONID"]])
    ]).replacing(["context"], with: Documents.pairContext).replacing(["context", "options"], with: [:]),
    file: "haproxy.cfg",
    text: #"""
      peers 0b1f9a515d9b4d6e9d3b0f1f4c3b2a10_peers
          peer Homwy_0kv3yxIr90djz7clrETfo 10.0.0.3:1025
          peer xt_BaCPp6a3iujVx6oilpWl3p7M 10.0.0.4:1025



      frontend c1a7b3de-0000-4000-8000-000000000001
          maxconn 50000
          bind 10.0.0.10:80
          mode http
          default_backend d0000000-0000-4000-8000-000000000001:c1a7b3de-0000-4000-8000-000000000001
          timeout client 50000
          log-format 7ac5d5c0c9f14b6f8e7d6c5b4a392817\ 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10\ %f\ %ci\ %cp\ %t\ %{+Q}r\ %ST\ %B\ %U\ %[ssl_c_verify]\ %{+Q}[ssl_c_s_dn]\ %b\ %s\ %Tt\ %tsc

      backend d0000000-0000-4000-8000-000000000001:c1a7b3de-0000-4000-8000-000000000001
          mode http
          http-reuse safe
          balance roundrobin
          stick-table type string len 64 size 10k peers 0b1f9a515d9b4d6e9d3b0f1f4c3b2a10_peers
          stick store-response res.cook(JSESSIONID)
          stick match req.cook(JSESSIONID)
          fullconn 50000
          option allbackups
          timeout connect 5000
          timeout server 50000
          server f0000000-0000-4000-8000-000000000001 10.0.1.21:8080 weight 1


      """#)
}
