# Completion for bash, made from the table of commands: faultlun completion bash
# shellcheck shell=bash disable=SC2207

# First words of the lines behind the heading: IDs. Nothing when no daemon answers.
_faultlun_ids() {
  local id heading=1
  while read -r id _; do
    if [ "$heading" = 1 ]; then heading=0; else printf '%s\n' "$id"; fi
  done < <(faultlun "$@" --timeout 1s 2>/dev/null)
}

_faultlun() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  local words='' next='' options='' offers='' values='' at=1 given=0 word longer offer
  local -a control=()
  while [ "$at" -lt "$COMP_CWORD" ]; do
    word=${COMP_WORDS[at]}
    case $word in
      --control | --token-file) control+=("$word" "${COMP_WORDS[at+1]}"); at=$((at + 1)) ;;
      -*) ;;
      *)
        longer=${words:+$words }$word
        if [ "$given" = 0 ] && _faultlun_row "$longer"; then words=$longer; else given=$((given + 1)); fi
        ;;
    esac
    at=$((at + 1))
  done
  _faultlun_row "$words"
  COMPREPLY=()
  case " $values --control --token-file --timeout " in
    *" $previous "*) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
    return
  fi
  [ "$given" = 0 ] && COMPREPLY=($(compgen -W "$next" -- "$current"))
  at=0
  for offer in $offers; do
    if [ "$at" = "$given" ]; then
      case $offer in
        files) COMPREPLY+=($(compgen -f -- "$current")) ;;
        rules) COMPREPLY+=($(compgen -W "$(_faultlun_ids rule ls "${control[@]}")" -- "$current")) ;;
        faults) COMPREPLY+=($(compgen -W "$(_faultlun_ids fault ls "${control[@]}")" -- "$current")) ;;
        scenarios) COMPREPLY+=($(compgen -W "$(_faultlun_ids scenario ls "${control[@]}")" -- "$current")) ;;
      esac
    fi
    at=$((at + 1))
  done
}

# Sets what may follow these words of a command; fails when there is no such command.
_faultlun_row() {
  next='' options='' offers='' values=''
  case $1 in
    '') next='api capabilities completion config connection event explain fault healthcheck held help journal lease lun mark metrics replay reset rule rules scenario serve session status target task unit' ;;
    'api') options='--control --token-file --json --timeout -h --help --version' offers='nothing nothing files' ;;
    'capabilities') options='--control --token-file --json --timeout -h --help --version' offers='faults' ;;
    'completion') next='bash' ;;
    'completion bash') options='--control --token-file --json --timeout -h --help --version' ;;
    'config') options='--control --token-file --json --timeout -h --help --version' ;;
    'connection') next='ls' ;;
    'connection ls') options='--control --token-file --json --timeout -h --help --version' ;;
    'event') options='--control --token-file --json --timeout -h --help --version' offers='nothing' ;;
    'explain') options='--control --token-file --json --timeout -h --help --version' offers='files' ;;
    'fault') next='ls show' ;;
    'fault ls') options='--control --token-file --json --timeout -h --help --version' ;;
    'fault show') options='--control --token-file --json --timeout -h --help --version' offers='faults' ;;
    'healthcheck') options='--control --token-file --json --timeout -h --help --version' ;;
    'held') next='release' ;;
    'held release') options='--tag --rule --lun --order --seed --control --token-file --json --timeout -h --help --version' values='--tag --rule --lun --order --seed' ;;
    'help') options='--page --control --token-file --json --timeout -h --help --version' offers='nothing' values='--page' ;;
    'journal') next='hash' options='-f --follow --since --since-mark -n --limit --rule --session --kind --decisions --lun --export --control --token-file --json --timeout -h --help --version' values='--since --since-mark -n --limit --rule --session --kind --lun --export' ;;
    'journal hash') options='--control --token-file --json --timeout -h --help --version' ;;
    'lease') next='drop keep ls' ;;
    'lease drop') options='--drain --control --token-file --json --timeout -h --help --version' offers='nothing' ;;
    'lease keep') options='--ttl --control --token-file --json --timeout -h --help --version' offers='nothing' values='--ttl' ;;
    'lease ls') options='--control --token-file --json --timeout -h --help --version' ;;
    'lun') next='change heal ls overlays' ;;
    'lun change') options='--target --control --token-file --json --timeout -h --help --version' offers='nothing nothing files' values='--target' ;;
    'lun heal') options='--target --control --token-file --json --timeout -h --help --version' offers='nothing nothing' values='--target' ;;
    'lun ls') options='--control --token-file --json --timeout -h --help --version' ;;
    'lun overlays') options='--target --control --token-file --json --timeout -h --help --version' offers='nothing' values='--target' ;;
    'mark') options='--control --token-file --json --timeout -h --help --version' offers='nothing' ;;
    'metrics') options='--control --token-file --json --timeout -h --help --version' ;;
    'replay') next='status stop' options='--control --token-file --json --timeout -h --help --version' offers='files' ;;
    'replay status') options='--control --token-file --json --timeout -h --help --version' ;;
    'replay stop') options='--control --token-file --json --timeout -h --help --version' ;;
    'reset') options='--data --drain --control --token-file --json --timeout -h --help --version' ;;
    'rule') next='arm check disarm get ls patch predict put reset rm' ;;
    'rule arm') options='--drain --if-match --control --token-file --json --timeout -h --help --version' offers='rules' values='--if-match' ;;
    'rule check') options='--control --token-file --json --timeout -h --help --version' offers='files' ;;
    'rule disarm') options='--drain --if-match --control --token-file --json --timeout -h --help --version' offers='rules' values='--if-match' ;;
    'rule get') options='--control --token-file --json --timeout -h --help --version' offers='rules' ;;
    'rule ls') options='--owner --tag --source --control --token-file --json --timeout -h --help --version' values='--owner --tag --source' ;;
    'rule patch') options='--dry-run --drain --if-match --control --token-file --json --timeout -h --help --version' offers='rules files' values='--if-match' ;;
    'rule predict') options='--key --from -n --n --control --token-file --json --timeout -h --help --version' offers='rules' values='--key --from -n --n' ;;
    'rule put') options='--dry-run --drain --if-match --control --token-file --json --timeout -h --help --version' offers='files' values='--if-match' ;;
    'rule reset') options='--drain --if-match --control --token-file --json --timeout -h --help --version' offers='rules' values='--if-match' ;;
    'rule rm') options='--drain --if-match --control --token-file --json --timeout -h --help --version' offers='rules' values='--if-match' ;;
    'rules') next='replace' ;;
    'rules replace') options='--dry-run --drain --control --token-file --json --timeout -h --help --version' offers='files' ;;
    'scenario') next='get goto ls put result rm run start stop' ;;
    'scenario get') options='--control --token-file --json --timeout -h --help --version' offers='scenarios' ;;
    'scenario goto') options='--control --token-file --json --timeout -h --help --version' offers='scenarios nothing' ;;
    'scenario ls') options='--control --token-file --json --timeout -h --help --version' ;;
    'scenario put') options='--dry-run --control --token-file --json --timeout -h --help --version' offers='files' ;;
    'scenario result') options='--wait --format --junit --control --token-file --json --timeout -h --help --version' offers='scenarios' values='--format --junit' ;;
    'scenario rm') options='--control --token-file --json --timeout -h --help --version' offers='scenarios' ;;
    'scenario run') options='-f --follow --wait --junit --control --token-file --json --timeout -h --help --version' offers='files' values='--junit' ;;
    'scenario start') options='-f --follow --wait --junit --control --token-file --json --timeout -h --help --version' offers='scenarios' values='--junit' ;;
    'scenario stop') options='--discard --control --token-file --json --timeout -h --help --version' offers='scenarios' ;;
    'serve') options='--check --json --version --help --advertise --config --control --faults --log-level --portal --seed --spin --threads' ;;
    'session') next='logout ls' ;;
    'session logout') options='--control --token-file --json --timeout -h --help --version' offers='nothing' ;;
    'session ls') options='--control --token-file --json --timeout -h --help --version' ;;
    'status') options='--control --token-file --json --timeout -h --help --version' ;;
    'target') next='ls' ;;
    'target ls') options='--control --token-file --json --timeout -h --help --version' ;;
    'task') next='ls' ;;
    'task ls') options='--control --token-file --json --timeout -h --help --version' ;;
    'unit') next='ls' ;;
    'unit ls') options='--control --token-file --json --timeout -h --help --version' ;;
    *) return 1 ;;
  esac
}

complete -F _faultlun faultlun
