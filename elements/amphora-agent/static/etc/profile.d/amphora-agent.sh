# Completion of amphora-agent's commands, where the package bash-completion does not load it.
if [ -n "${BASH_VERSION-}" ] && [ ! -e /usr/share/bash-completion/bash_completion ] && [ -r /usr/share/amphora-agent/completion.bash ]; then
    . /usr/share/amphora-agent/completion.bash
fi
