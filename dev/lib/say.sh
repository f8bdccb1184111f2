# What the scripts print, and how they wait.

if [[ -t 1 ]]; then bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' plain=$'\e[0m' clear=$'\r\e[K'; else bold='' dim='' red='' plain='' clear=''; fi

say() { printf '%s\n' "$*"; }
heading() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
die() {
    printf '%serror:%s %s\n' "$red" "$plain" "$*" >&2
    exit 1
}

# Shows the end of a log under a failure.
show_end() { # LOG [LINES]
    [[ -s $1 ]] || return 0
    say "  the end of $1:"
    tail -n "${2:-40}" "$1" | sed 's/^/  | /'
}

# The clock line of a long step: rewritten in place on a terminal, said now and then elsewhere.
tick() { # WHAT BEGAN [LOG]
    local elapsed=$((SECONDS - $2)) last=''
    if [[ -n $clear ]]; then
        [[ -z ${3:-} ]] || last=$(tail -n 1 "$3" 2>/dev/null | tr -d '\r' | cut -c 1-60 || true)
        printf '%s  %s … %s s %s%s%s' "$clear" "$1" "$elapsed" "$dim" "$last" "$plain"
    elif ((elapsed >= next_tick)); then
        say "  $1 … $elapsed s"
        next_tick=$((elapsed + 30))
    fi
}

# Runs a command with its output in a log and the passing seconds on the screen; returns its status.
# Not to be called under `if`, `||` or `&&`: the shell then goes on after a failure inside the command.
# The command has a process group of its own, so that an interrupted script can end all of it.
step() { # WHAT LOG COMMAND...
    local what=$1 log=$2 began=$SECONDS status=0 next_tick=15
    shift 2
    set -m
    (set -e; "$@") >"$log" 2>&1 </dev/null 9>&- &
    step_group=$!
    set +m
    while kill -0 "$step_group" 2>/dev/null; do
        tick "$what" "$began" "$log"
        sleep 0.2
    done
    wait "$step_group" || status=$?
    step_group=''
    if ((status == 0)); then
        say "${clear}  $what: $((SECONDS - began)) s"
    else
        say "${clear}  $what: FAILED after $((SECONDS - began)) s"
        show_end "$log" "${show_lines:-40}"
    fi
    return "$status"
}

# Ends the step that is running, if one is.
end_step() {
    [[ -z ${step_group:-} ]] || kill -TERM -- "-$step_group" 2>/dev/null || true
}

# Asks again until a command says yes, the process it is about ends, or the deadline passes.
wait_for() { # WHAT SECONDS PROCESS COMMAND...
    local what=$1 limit=$2 process=$3 began=$SECONDS next_tick=5
    shift 3
    until "$@" >/dev/null 2>&1; do
        if ! alive "$process"; then
            say "${clear}  $what: the process ended"
            show_end "$STATE/log/$process.log"
            return 1
        fi
        if ((SECONDS - began >= limit)); then
            say "${clear}  $what: no answer after $limit s"
            show_end "$STATE/log/$process.log"
            return 1
        fi
        tick "$what" "$began"
        sleep 0.1
    done
    say "${clear}  $what: $((SECONDS - began)) s"
}
