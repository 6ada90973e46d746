#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The completions of bash and zsh offer vmctl's verbs, machines, networks, settings and options.
# Usage: completion_test.sh BUILD-DIRECTORY-OF-VMMS SOURCE-DIRECTORY-OF-COMPLETIONS
BUILD=$1 SOURCE=$2
DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT

# vmctl as it is, but for machines and networks, which need a daemon.
cat >"$DIR/vmctl" <<SCRIPT
#!/bin/sh
case "\$*" in
list) printf 'NAME STATE\nalpha off\nbeta running\n' ;;
'network list') printf 'NAME MODE\nlan nat\n' ;;
*) exec "$BUILD/vmctl" "\$@" ;;
esac
SCRIPT
chmod +x "$DIR/vmctl"
PATH=$DIR:$PATH

complete_bash()
{
	bash -c '
		. "$0"
		compopt() { :; }
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_vmctl
		printf "%s\n" "${COMPREPLY[@]}"' "$SOURCE/vmctl.bash" "$@"
}

# What is offered; zsh itself takes what begins as the word does.
complete_zsh()
{
	zsh -f -c '
		compadd() {
			local equals=
			[[ $1 != -S ]] || { equals=$2; shift 2 }
			shift
			print -l -- ${^@}$equals
		}
		_files() { print -l -- * }
		words=("$@") CURRENT=$#
		source "$0"' "$SOURCE/_vmctl" "$@" | grep "^${*: -1}"
}

# offers WORDS… : COMPLETIONS…
offers()
{
	local words=() got
	while [ "$1" != : ]; do
		words+=("$1")
		shift
	done
	shift
	got=$(complete_$shell "${words[@]}" | grep . | sort | tr '\n' ' ')
	[ "$got" = "$(printf '%s\n' "$@" | grep . | sort | tr '\n' ' ')" ] ||
		{ echo "FAILED: $shell: '${words[*]}' offers: $got" && exit 1; }
}

shells=bash
command -v zsh >/dev/null && shells='bash zsh'
cd "$DIR" && touch some.xml
for shell in $shells; do
	offers vmctl sta : start
	offers vmctl re : reboot rename reset restore-config resume
	offers vmctl start '' : alpha beta
	offers vmctl -H root@host --json start b : beta
	offers vmctl set alpha mem : memory=
	offers vmctl set alpha memory=1G cpu- : cpu-shares= cpu-period= cpu-quota=
	offers vmctl network '' : list show create delete start stop lan
	offers vmctl help ed : edit
	offers vmctl --no : --no-wait
	offers vmctl define so : some.xml
	offers vmctl create a : ''
	# shellcheck disable=SC2046
	offers vmctl '' : $("$BUILD/vmctl" complete-words verbs)
done
echo "$shells"
