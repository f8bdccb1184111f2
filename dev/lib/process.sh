# Processes that outlive the script that started them. Each is known by its id and the moment it
# started (in clock ticks since boot), so that a reused id is never taken for ours.

started_at() { # PID
    local line
    read -r line 2>/dev/null <"/proc/$1/stat" || return 1
    # The name of the program stands in parentheses and may hold spaces.
    local -a fields
    read -r -a fields <<<"${line##*) }"
    [[ ${fields[0]} != Z ]] || return 1
    printf '%s' "${fields[19]}"
}

# Remembers a process under a name.
remember_process() { # NAME PID
    printf '%s %s\n' "$2" "$(started_at "$2")" >"$STATE/pid/$1"
}

# Prints the id of a remembered process that still runs.
process_id() { # NAME
    local pid moment
    read -r pid moment 2>/dev/null <"$STATE/pid/$1" || return 1
    [[ -n $moment && $(started_at "$pid") == "$moment" ]] || return 1
    printf '%s' "$pid"
}

alive() { process_id "$1" >/dev/null; }

# Starts a command, or a function that ends in `exec`, in a session of its own: a Ctrl-C on the
# terminal does not reach it, so that servers are stopped in order.
spawn() { # NAME COMMAND...
    local name=$1
    shift
    (
        trap - INT TERM EXIT
        "$@"
    ) >>"$STATE/log/$name.log" 2>&1 </dev/null 9>&- &
    remember_process "$name" $! || true
    disown $!
}

# Asks a process to end; makes it end when the deadline has passed. Fails when it came to that.
halt() { # NAME SIGNAL SECONDS
    local pid until status=0
    if pid=$(process_id "$1"); then
        kill -"$2" "$pid" 2>/dev/null || true
        until=$((SECONDS + $3))
        while alive "$1"; do
            if ((SECONDS >= until)); then
                say "  $1 did not end within $3 s of SIG$2; killed"
                kill -KILL "$pid" 2>/dev/null || true
                status=1
                until=$((SECONDS + 10))
            fi
            sleep 0.05
        done
    fi
    rm -f "$STATE/pid/$1"
    return "$status"
}
