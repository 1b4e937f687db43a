// Small cases of haproxy.cfg: listeners of each kind.

@testable import AmphoraController

extension GoldenCase {
  private static let second = Documents.member(["id": .string(Documents.id("f", 2)), "address": "10.0.1.22"])
  private static let http: [String: DocumentValue] = [
    "http_method": "GET", "url_path": "/live?a=1&b=2", "expected_codes": "200,301",
  ]
  private static let certificates: DocumentValue = [
    "cert": "1111111111111111111111111111111111111111", "ca": "2222222222222222222222222222222222222222",
    "crl": "3333333333333333333333333333333333333333",
  ]

  static let listeners = [httpFile, tcp, terminated, prometheus, disabled]

  private static let httpFile = GoldenCase(
    name: "a whole file",
    document: Documents.balancer(listeners: [
      Documents.listener(
        "HTTP", port: 8080, pool: "HTTP",
        ["insert_headers": ["X-Forwarded-For": "true", "X-Forwarded-Port": "True", "X-Forwarded-Proto": "false"]],
        pool: ["members": [Documents.member(), second]])
    ]),
    file: "haproxy.cfg",
    text: #"""
      # Configuration for loadbalancer 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10
      global
          daemon
          user nobody
          log /run/rsyslog/octavia/log local0
          log /run/rsyslog/octavia/log local1 notice
          stats socket /var/lib/octavia/0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10.sock mode 0666 level user
          server-state-file /var/lib/octavia/0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10/servers-state
          maxconn 50000

      defaults
          log global
          retries 3
          option redispatch
          option splice-request
          option splice-response
          option http-keep-alive




      frontend c1a7b3de-0000-4000-8000-000000000001
          maxconn 50000
          bind 10.0.0.10:8080
          mode http
          default_backend d0000000-0000-4000-8000-000000000001:c1a7b3de-0000-4000-8000-000000000001
          timeout client 50000
          log-format 7ac5d5c0c9f14b6f8e7d6c5b4a392817\ 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10\ %f\ %ci\ %cp\ %t\ %{+Q}r\ %ST\ %B\ %U\ %[ssl_c_verify]\ %{+Q}[ssl_c_s_dn]\ %b\ %s\ %Tt\ %tsc

      backend d0000000-0000-4000-8000-000000000001:c1a7b3de-0000-4000-8000-000000000001
          mode http
          http-reuse safe
          balance roundrobin
          option forwardfor
          http-request set-header X-Forwarded-Port %[dst_port]
          fullconn 50000
          option allbackups
          timeout connect 5000
          timeout server 50000
          server f0000000-0000-4000-8000-000000000001 10.0.1.21:8080 weight 1
          server f0000000-0000-4000-8000-000000000002 10.0.1.22:8080 weight 1


      """#)

  private static let tcp = GoldenCase(
    name: "a TCP listener with persistence by address and a PING monitor",
    document: Documents.balancer(listeners: [
      Documents.listener(
        "TCP", port: 22, pool: "PROXY", ["connection_limit": 100, "timeout_tcp_inspect": 4000],
        pool: [
          "lb_algorithm": "LEAST_CONNECTIONS", "session_persistence": ["type": "SOURCE_IP"],
          "healthmonitor": Documents.monitor("PING"),
          "members": [Documents.member(["backup": true]), second],
        ])
    ]),
    file: "haproxy.cfg",
    text: #"""
      frontend c1a7b3de-0000-4000-8000-000000000001
          maxconn 100
          bind 10.0.0.10:22
          mode tcp
          default_backend d0000000-0000-4000-8000-000000000001:c1a7b3de-0000-4000-8000-000000000001
          timeout client 50000
          tcp-request inspect-delay 4000
          log-format 7ac5d5c0c9f14b6f8e7d6c5b4a392817\ 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10\ %f\ %ci\ %cp\ %t\ -\ -\ %B\ %U\ %[ssl_c_verify]\ %{+Q}[ssl_c_s_dn]\ %b\ %s\ %Tt\ %tsc

      backend d0000000-0000-4000-8000-000000000001:c1a7b3de-0000-4000-8000-000000000001
          mode tcp
          balance leastconn
          stick-table type ipv6 size 10k
          stick on src
          load-server-state-from-file global
          timeout check 3s
          option external-check
          external-check command /var/lib/octavia/ping-wrapper.sh
          fullconn 100
          option allbackups
          timeout connect 5000
          timeout server 50000
          server f0000000-0000-4000-8000-000000000001 10.0.1.21:8080 weight 1 check inter 5s fall 3 rise 2 send-proxy backup
          server f0000000-0000-4000-8000-000000000002 10.0.1.22:8080 weight 1 check inter 5s fall 3 rise 2 send-proxy


      """#)

  private static let terminated = GoldenCase(
    name: "a terminated HTTPS listener with client certificates that encrypts again",
    document: Documents.balancer(listeners: [
      Documents.listener(
        "TERMINATED_HTTPS", port: 443, pool: "HTTP",
        [
          "default_tls_container_ref": "cert", "client_ca_tls_container_ref": "ca",
          "client_crl_container_ref": "crl", "client_authentication": "MANDATORY", "hsts_max_age": 600,
          "hsts_include_subdomains": true, "tls_versions": ["TLSv1.2", "TLSv1.3"],
          "tls_ciphers": "TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES256-GCM-SHA384:AES128-SHA:AES128-SHA",
          "alpn_protocols": ["h2", "http/1.1"],
          "insert_headers": ["X-SSL-Client-CN": "true", "X-Forwarded-Proto": "true"],
        ],
        pool: [
          "tls_enabled": true, "tls_container_ref": "cert", "ca_tls_container_ref": "ca",
          "crl_container_ref": "crl", "tls_ciphers": "AES128-SHA", "tls_versions": ["TLSv1.2"],
          "alpn_protocols": ["http/1.1"], "healthmonitor": Documents.monitor("HTTPS", http),
        ])
    ]).replacing(["context", "certificates"], with: certificates),
    file: "haproxy.cfg",
    text: #"""
      frontend c1a7b3de-0000-4000-8000-000000000001
          maxconn 50000
          redirect scheme https if !{ ssl_fc }
          http-response set-header Strict-Transport-Security "max-age=600; includeSubDomains;"
          bind 10.0.0.10:443 ssl crt-list /var/lib/octavia/certs/0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10/c1a7b3de-0000-4000-8000-000000000001.pem ca-file /var/lib/octavia/certs/0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10/2222222222222222222222222222222222222222.pem verify required crl-file /var/lib/octavia/certs/0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10/3333333333333333333333333333333333333333.pem ciphers AES128-SHA:ECDHE-RSA-AES256-GCM-SHA384 ciphersuites TLS_AES_128_GCM_SHA256 no-sslv3 no-tlsv10 no-tlsv11 alpn h2,http/1.1
          mode http
          default_backend d0000000-0000-4000-8000-000000000001:c1a7b3de-0000-4000-8000-000000000001
          timeout client 50000
          log-format 7ac5d5c0c9f14b6f8e7d6c5b4a392817\ 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10\ %f\ %ci\ %cp\ %t\ %{+Q}r\ %ST\ %B\ %U\ %[ssl_c_verify]\ %{+Q}[ssl_c_s_dn]\ %b\ %s\ %Tt\ %tsc

      backend d0000000-0000-4000-8000-000000000001:c1a7b3de-0000-4000-8000-000000000001
          mode http
          http-reuse safe
          balance roundrobin
          load-server-state-from-file global
          timeout check 3s
          option httpchk GET /live?a=1&amp;b=2
          http-check expect rstatus 200|301
          http-request set-header X-Forwarded-Proto https
          http-request set-header X-SSL-Client-CN %{+Q}[ssl_c_s_dn(cn)]
          fullconn 50000
          option allbackups
          timeout connect 5000
          timeout server 50000
          server f0000000-0000-4000-8000-000000000001 10.0.1.21:8080 weight 1 check check-ssl verify none check-alpn http/1.1 inter 5s fall 3 rise 2 ssl crt /var/lib/octavia/certs/0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10/1111111111111111111111111111111111111111.pem ca-file /var/lib/octavia/certs/0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10/2222222222222222222222222222222222222222.pem crl-file /var/lib/octavia/certs/0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10/3333333333333333333333333333333333333333.pem verify required sni ssl_fc_sni ciphers AES128-SHA no-sslv3 no-tlsv10 no-tlsv11 no-tlsv13 alpn http/1.1


      """#)

  private static let prometheus = GoldenCase(
    name: "a PROMETHEUS listener",
    document: Documents.balancer(listeners: [Documents.listener("PROMETHEUS", port: 9100)]),
    file: "haproxy.cfg",
    text: #"""
      frontend prometheus-exporter-internal-endpoint
          bind 127.0.0.1:9101
          mode http
          no log
          http-request use-service prometheus-exporter if { path /metrics }
          http-request reject
          timeout http-request 5s
          timeout client 5s
      backend prometheus-exporter-internal
          mode http
          no log
          balance first
          timeout connect 5s
          timeout server 5s
          server prometheus-internal 127.0.0.1:9102

      frontend c1a7b3de-0000-4000-8000-000000000001
          maxconn 50000
          bind 10.0.0.10:9100
          mode http
          timeout client 50000
          default_backend prometheus-exporter-internal
          log-format 7ac5d5c0c9f14b6f8e7d6c5b4a392817\ 0b1f9a51-5d9b-4d6e-9d3b-0f1f4c3b2a10\ %f\ %ci\ %cp\ %t\ -\ -\ %B\ %U\ %[ssl_c_verify]\ %{+Q}[ssl_c_s_dn]\ %b\ %s\ %Tt\ %tsc


      """#)

  private static let disabled = GoldenCase(
    name: "a disabled load balancer",
    document: Documents.balancer(listeners: [Documents.listener("HTTP", pool: "HTTP")])
      .replacing(["loadbalancer", "admin_state_up"], with: false),
    file: "haproxy.cfg",
    text: #"""
      defaults
          log global
          retries 3
          option redispatch
          option splice-request
          option splice-response
          option http-keep-alive





      """#)
}
