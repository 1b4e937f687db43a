// The two scripts that keepalived runs for UDP and SCTP listeners (contract services §3.5, §6.2). They are replaced whole,
// because keepalived may run one at any moment, and written anew when they are missing or another agent's.

import Files

enum LVSScripts {
  /// Writes `udp_check.sh`, which listeners' configurations name.
  ///
  /// The mode lets the user that keepalived may have for scripts run it too (contract services §8 item 10).
  static func installMemberCheck(_ paths: AgentPaths) throws(DurableFile.Failure) {
    try install(memberCheck, paths.memberCheckScript, in: paths.memberCheckDirectory)
  }

  /// Writes `lvs_udp_check.sh`, which the check of a pair runs.
  static func installVRRPCheck(_ paths: AgentPaths) throws(DurableFile.Failure) {
    try install(vrrpCheck(paths), paths.lvsCheckScript, in: paths.vrrpCheckScripts)
  }

  private static func install(_ text: String, _ path: String, in folder: String) throws(DurableFile.Failure) {
    if FileRead.text(path) == text, FileRead.isExecutable(path) { return }
    try DurableFile.createDirectory(folder, mode: 0o755)
    try DurableFile.write(Array(text.utf8), to: path, mode: 0o755)
  }

  private static let memberCheck = """
    #!/bin/bash
    # udp_check.sh ADDRESS PORT, run by keepalived: fails when the member's host says that nobody listens there, or cannot
    # be reached; silence of a second counts as up. Written by amphora-agent.

    # The two programs of this name spell the limit differently.
    limit=-w1
    case "$(nc --version 2>&1)" in *[Nn]map*) limit=-i1 ;; esac
    exec nc -uzv "$limit" "$1" "$2" > /dev/null

    """

  /// A keepalived that ends in order removes its pid file; one that crashed leaves it, or its unit has failed.
  private static func vrrpCheck(_ paths: AgentPaths) -> String {
    """
    #!/bin/bash
    # Run by the check of a pair: fails when the keepalived of a UDP or SCTP listener has ended without being told to.
    # Written by amphora-agent.

    status=0
    for file in \(paths.lvsDirectory)/*.pid; do
      # Those of its children are named NAME.vrrp.pid and NAME.check.pid.
      case "${file##*/}" in *.*.pid) continue ;; esac
      { read -r pid < "$file"; } 2> /dev/null || continue
      state=
      { read -r state < "/proc/$pid/stat"; } 2> /dev/null
      # proc(5): the number, the program's name, and Z or X for one that has ended.
      case "$state" in "$pid (keepalived) "[!ZX]*) ;; *) status=1 ;; esac
    done
    # systemd takes the pid file of one that crashed away, and remembers its unit as failed (systemd.service(5), PIDFile=).
    units=()
    for file in \(paths.lvsDirectory)/octavia-keepalivedlvs-*.conf; do
      unit=${file##*/}
      unit=${unit%.conf}.service
      if [ -e "$file" ] && [ ! -e "\(paths.runtime)/stopped/$unit" ]; then units+=("$unit"); fi
    done
    if [ ${#units[@]} != 0 ] && systemctl is-failed --quiet "${units[@]}" 2> /dev/null; then status=1; fi
    exit $status

    """
  }
}
