# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for vmctl

_vmctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} verb='' position=0 i
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-H | --host) ((i++)) ;;
		-*) ;;
		*)
			if [ -z "$verb" ]; then verb=${COMP_WORDS[i]}; else ((position++)); fi
			;;
		esac
	done
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "--json --no-wait --wait --host --help --version" -- "$cur")
		return
	fi
	if [ -z "$verb" ]; then
		mapfile -t COMPREPLY < <(compgen -W "$(vmctl complete-words verbs)" -- "$cur")
		return
	fi
	if [ "$verb" = set ] && [ "$position" -gt 0 ]; then
		compopt -o nospace
		mapfile -t COMPREPLY < <(compgen -S = -W "$(vmctl complete-words settings)" -- "$cur")
		return
	fi
	case $(vmctl complete-words "$verb") in
	vm) mapfile -t COMPREPLY < <(compgen -W "$(vmctl list 2> /dev/null | awk 'NR > 1 { print $1 }')" -- "$cur") ;;
	verb) mapfile -t COMPREPLY < <(compgen -W "$(vmctl complete-words verbs)" -- "$cur") ;;
	network) mapfile -t COMPREPLY < <(compgen -W "list show create delete start stop $(vmctl network list 2> /dev/null | awk 'NR > 1 { print $1 }')" -- "$cur") ;;
	file) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	esac
}
complete -F _vmctl vmctl
