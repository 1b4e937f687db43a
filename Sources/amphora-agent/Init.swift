// `amphora-agent init`: the first boot of an image without cloud-init.

import AmphoraAgent
import ArgumentParser
import Glibc

struct Init: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Set this machine up from its config drive, as cloud-init does in other images.",
    discussion: """
      Finds the drive by its label config-2, mounts it read-only for a moment and applies what controllers send: injected
      files, write_files, ssh keys and time zone once for an instance; host name and the management network at each
      boot, where they differ. In the image, amphora-init.service runs this before the network, and
      amphora-init-commands.service runs the commands of runcmd when the agent is up.

      EXAMPLES:
        amphora-agent init                                  as at boot
        amphora-agent init --drive /mnt --root /tmp/trial   what would be written, from a mounted drive, below a folder
        amphora-agent init --stage commands                 runcmd, once for an instance

      Exit codes: 0 all applied, 1 something was wrong and left out; each such thing is a line on standard error, and the
      rest was applied.

      FILES: /var/lib/amphora/instance-id names the instance set up last; without it, the next boot applies all again.
      """)

  enum Stage: String, ExpressibleByArgument, CaseIterable {
    case files
    case commands
  }

  @Option(help: "What to do: files (before the network), or commands (runcmd).")
  var stage = Stage.files

  @Option(help: "A mounted config drive's folder, or its device, instead of the one with the label config-2.")
  var drive: String?

  @Option(help: "Write below this folder, and leave the running system's host name alone.")
  var root = "/"

  @Option(help: "The user who gets the instance's ssh keys.")
  var user = "debian"

  @Option(help: "Seconds to wait for a drive, and without network data for a NIC, when there is none at once.")
  var wait = 3

  func validate() throws {
    guard (0...3600).contains(wait) else { throw ValidationError("--wait takes 0 to 3600 seconds.") }
  }

  func run() async throws {
    let sink = StandardErrorSink()
    let boot = FirstBoot(root: root, drive: drive, user: user, patience: .seconds(wait)) { sink.write($0, $1) }
    let report =
      switch stage {
      case .files: await boot.writeFiles()
      case .commands: await boot.runCommands()
      }
    Glibc.exit(report.exitCode)
  }
}
