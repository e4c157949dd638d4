# Completion of satchel for bash; zsh takes it too, after `autoload -U bashcompinit && bashcompinit`. Where nothing here
# fits, names of files are offered. The lists are compared with the program's own by tests/install/test_pages.py.
# shellcheck shell=bash

_satchel_commands='
org create: --server --pin --token --name --user --recovery-kit --device-name
invite: --expires --cancel
join: --device-name
passphrase: --admin --new-passphrase-file
recover: --kit --recovery-kit --server --pin --user --device-name --repudiate --from
leave:
user add: --role --kit
user list:
user role: --kit
user suspend:
user resume: --kit
territory add:
territory narrow:
territory grant: --read --manage
territory revoke:
territory list:
device list:
device revoke: --wipe --kit
device approve: --kit
cosign: --kit
kit replace: --recovery-kit --kit
rotate:
move: --to --dry-run
server set: --url --pin
server show:
policy set: --kit
policy:
audit:
put: --territory --stdin
rm:
restore:
import: --map --territory --dry-run --skip-bad
today: --date
account show:
visit plan: --on
visit skip: --date --reason
visit move: --on --date --reason
visit prepare:
visit start: --lat --lon --accuracy --mock
visit note:
visit finish: --lat --lon --accuracy --mock
visit submit:
visit amend: --reason
visit list: --period
amend: --reason
template publish:
state: --reason
lead score:
lead convert:
opportunity move: --reason
task done: --reason
order new: --price-list --discount --currency --visit --date --anyway
order submit:
order status: --reason
order note: --date
approve: --reason
pay reverse: --reason
pay confirm: --reason
pay: --for --bank-ref --on --anyway
dunning: --date --dry-run
merge: --list --undo
reveal: --reason
contacts: --purpose
claim: --undo
consent give: --reason
consent withdraw:
role list:
role install:
reassign: --reason
target divide:
tier publish: --date
flagged:
get: --territory
list: --where
query:
find: --type --limit
fields:
history: --territory
report: --period --territory --by --csv --list
export: --format --purpose
sync: --live --timeout --max-bytes --patience --allow-mass-change --confirm-restore
status: --fingerprint
conflicts:
resolve: --pick --value
refused:
escrow list:
escrow show:
escrow accept:
escrow reject:
doctor:
'
_satchel_everywhere='--home --json --passphrase-file --admin-passphrase-file --help --version'
# These take a value, so that the word after them is neither a command nor an argument.
_satchel_valued=' --home --passphrase-file --admin-passphrase-file --new-passphrase-file --server --pin --token --name --user --recovery-kit --device-name --role
 --expires --url --to --from --repudiate --territory --where --timeout --max-bytes --patience --pick --value --map --format --period --by --kit --type --limit --reason --price-list --discount --currency --visit --for --bank-ref --on --date --lat --lon --accuracy --purpose '
_satchel_roles='admin manager rep auditor service'
_satchel_types='account contact visit order order_line product price_list price_row task note user device territory disclosure config_item template role_template reassignment account_profile account_team merge contact_role interaction visit_plan visit_event checklist_run amendment state_event lead opportunity approval approval_grant order_event receivable payment allocation dunning_step complaint consent target article kpi_snapshot attachment quote need tier_event milestone'

_satchel_offer()
{
    # No word of ours has a space in it.
    # shellcheck disable=SC2207
    COMPREPLY=($(compgen -W "$1" -- "$2"))
}

_satchel()
{
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
    local command='' options='' line choices='' arguments=0 i
    COMPREPLY=()
    case $previous in
    --role) _satchel_offer "$_satchel_roles" "$word" ;;
    --format) _satchel_offer 'ndjson csv ndjson,csv' "$word" ;;
    esac
    [[ $_satchel_valued == *[[:space:]]"$previous"[[:space:]]* ]] && return

    # The command is the first word, or the first two; what follows are its arguments.
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ $_satchel_valued == *[[:space:]]"${COMP_WORDS[i]}"[[:space:]]* ]]; then
            ((i++))
        elif [[ ${COMP_WORDS[i]} != -* ]]; then
            if [[ -z $command || $_satchel_commands == *$'\n'"$command ${COMP_WORDS[i]}:"* ]]; then
                command="${command:+$command }${COMP_WORDS[i]}"
            else
                ((arguments++))
            fi
        fi
    done

    while IFS= read -r line; do
        if [[ ${line%%:*} == "$command" ]]; then
            options=${line#*:}
        elif [[ -z $command ]]; then
            line=${line%%:*} && choices+=" ${line%% *}"
        elif [[ $line == "$command "* ]]; then
            line=${line%%:*} && choices+=" ${line##* }"
        fi
    done <<<"$_satchel_commands"
    if [[ $word == -* ]]; then
        choices="$options $_satchel_everywhere"
    elif ((arguments == 0)); then
        case $command in
        put | rm | restore | get | list | history | resolve) choices=$_satchel_types ;;
        escrow) choices='list show accept reject' ;;
        policy) choices='set' ;;
        esac
    fi
    _satchel_offer "$choices" "$word"
}
complete -o bashdefault -o default -F _satchel satchel
