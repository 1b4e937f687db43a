// amphoractl completion: scripts for shells.

import ArgumentParser

struct CompletionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "completion",
    abstract: "Print a completion script for bash, zsh or fish.",
    discussion: """
      bash: amphoractl completion bash > ~/.local/share/bash-completion/completions/amphoractl
      zsh:  amphoractl completion zsh > ~/.zsh/completions/_amphoractl   (a folder of $fpath)
      fish: amphoractl completion fish > ~/.config/fish/completions/amphoractl.fish

      EXAMPLE: source <(amphoractl completion bash)
      """)

  enum Shell: String, ExpressibleByArgument, CaseIterable {
    case bash, zsh, fish
  }

  @Argument(help: "The shell.")
  var shell: Shell

  func run() throws {
    let kind: CompletionShell =
      switch shell {
      case .bash: .bash
      case .zsh: .zsh
      case .fish: .fish
      }
    StandardStream.write(Amphoractl.completionScript(for: kind) + "\n", to: 1)
  }
}
