# The product itself: its commands, its sign-ins, its server.

# Becomes a program that sees the product's settings and, of the rest of the environment, only what
# every program needs.
become_ebm() { # ARGUMENT...
    local name
    for name in $(compgen -e); do
        case $name in
        PATH | HOME | LANG | LC_* | TZ | TERM | RUST_LOG | RUST_BACKTRACE) ;;
        *) unset "$name" ;;
        esac
    done
    set -a
    # shellcheck disable=SC1091
    source "$STATE/ebm.env"
    set +a
    cd "$STATE"
    exec "$@"
}

ebm() { (become_ebm "$(ebm_program)" "$@"); }

ebm_process() { become_ebm setsid "$(ebm_program)" serve; }

migrate() { step "migrating the database" "$STATE/log/migrate.log" ebm migrate; }

# A member with a password of our choosing, and a token for the API. Both are chosen once.
make_sign_in() { # WHO ROLE NAME
    local email=$1@example.test database
    database=$(database_in_use | hash_of)
    kept "password-$1" random_password | ebm user create "--$2" --name "$3" --password-stdin "$email"
    kept "token-$1-$database" ebm token create --member "$email" >/dev/null
}

database_in_use() { (source "$STATE/ebm.env" && printf '%s' "$EBM_DATABASE__URL"); }

make_sign_ins() {
    make_sign_in admin admin "Ada Admin"
    make_sign_in contact viewer "Cleo Contact"
    make_sign_in viewer viewer "Vic Viewer"
}

sign_in_settings() {
    local who database
    database=$(database_in_use | hash_of)
    for who in admin contact viewer; do
        assign "EBM_${who^^}_EMAIL" "$who@example.test"
        assign "EBM_${who^^}_PASSWORD" "$(kept "password-$who" random_password)"
        assign "EBM_${who^^}_TOKEN" "$(cat "$STATE/kept/token-$who-$database")"
    done
}

ebm_start() {
    claim_port ebm
    claim_port ops
    spawn ebm ebm_process
    wait_for "ebm" 60 ebm answers "$(port ops)" /readyz
}

ebm_stop() { halt ebm TERM 35 || true; }
