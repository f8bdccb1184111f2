# Where things are, and what is remembered between two starts.
#
# EBM_DEV_STATE and EBM_DEV_CACHE move the two folders elsewhere.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CACHE=${EBM_DEV_CACHE:-$ROOT/dev/cache}
STATE=${EBM_DEV_STATE:-$ROOT/dev/state}

# Everything below holds secrets or logs of them: nobody else may read it.
umask 077

open_state() {
    mkdir -p "$CACHE" "$STATE"/{kept,log,pid}
    # The user that Postgres runs as must get through to its own folder.
    chmod 711 "$STATE"
    CACHE=$(cd "$CACHE" && pwd) STATE=$(cd "$STATE" && pwd)
}

# Prints the value remembered under a name; the first time the command makes it.
kept() { # NAME COMMAND...
    local file=$STATE/kept/$1 value
    if [[ ! -s $file ]]; then
        value=$("${@:2}") || return 1
        [[ -n $value ]] || return 1
        printf '%s' "$value" >"$file.new"
        mv "$file.new" "$file"
    fi
    cat "$file"
}

random_password() { head -c 24 /dev/urandom | base64 | tr '+/' 'xy'; }
random_key() { head -c 32 /dev/urandom | base64; }

# One line of a file of shell assignments.
assign() { # KEY VALUE
    printf "%s='%s'\n" "$1" "${2//\'/\'\\\'\'}"
}

hash_of() { sha256sum | cut -c 1-"${1:-16}"; }
