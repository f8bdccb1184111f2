# Ports on 127.0.0.1: each is chosen once, and refused when somebody else sits on it.

port_in_use() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Below the range from which the system takes the near ends of outgoing connections.
choose_port() { # [PREFERRED]
    local port try
    for try in ${1:-} $(shuf -i 20000-31999 -n 50); do
        port=$try
        if ! port_in_use "$port" && ! grep -qsx "$port" "$STATE"/kept/port-*; then
            printf '%s' "$port"
            return
        fi
    done
    return 1
}

port() { kept "port-$1" choose_port "${2:-}"; } # NAME [PREFERRED]

# To be called before a server is started.
claim_port() { # NAME
    local number
    number=$(port "$1" "${2:-}")
    port_in_use "$number" || return 0
    die "port $number, chosen earlier for $1, is used by another program.
       End that program, or delete $STATE/kept/port-$1 to have another port chosen."
}

# Whether GET on a local address answers 200.
answers() { # PORT PATH
    local status
    exec 8<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$2" "$1" >&8
    read -r -t 5 _ status _ <&8 || status=''
    exec 8>&-
    [[ $status == 200 ]]
}
