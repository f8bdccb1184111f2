# Postgres: one cluster, on TCP only, with passwords. The role `ebm` owns the database `ebm` and may
# create databases, which the tests do.

postgres_programs() {
    local folder
    for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV); do
        if [[ -x $folder/initdb ]]; then
            printf '%s' "$folder"
            return
        fi
    done
    return 1
}

# Postgres refuses to be root: root hands over to the user that Debian's package made.
as_postgres() {
    if ((EUID == 0)); then
        exec setpriv --reuid=postgres --regid=postgres --init-groups "$@"
    else
        exec "$@"
    fi
}

# The data folder: in the state, unless root works in a place that the user `postgres` cannot reach.
choose_postgres_folder() {
    local folder=$STATE/postgres
    if ((EUID == 0)) && ! (as_postgres test -x "$(dirname "$STATE")") 2>/dev/null; then
        folder=/var/tmp/ebm-$(printf '%s' "$STATE" | hash_of)/postgres
    fi
    printf '%s' "$folder"
}

postgres_folder() { kept postgres-folder choose_postgres_folder; }

remove_postgres() {
    local folder
    [[ -s $STATE/kept/postgres-folder ]] || return 0
    folder=$(postgres_folder)
    rm -rf "$folder"
    [[ $folder == "$STATE"/* ]] || rmdir "$(dirname "$folder")" 2>/dev/null || true
}

make_postgres() { # FOLDER
    local folder=$1 programs
    programs=$(postgres_programs)
    # What lies there without our passwords is of no use.
    rm -rf "$folder"
    mkdir -p "$(dirname "$folder")"
    [[ -O $(dirname "$folder") ]] || die "$(dirname "$folder") belongs to somebody else"
    mkdir "$folder"
    kept postgres-superuser random_password >"$folder/password"
    if ((EUID == 0)); then
        chmod 711 "$(dirname "$folder")"
        chown -R postgres: "$folder"
    fi
    (cd / && as_postgres "$programs/initdb" -D "$folder/new" -U postgres --pwfile="$folder/password" \
        --auth=scram-sha-256 -E UTF8 --locale=C.UTF-8 --no-sync)
    rm "$folder/password"
    mv "$folder/new" "$folder/data"
}

postgres_process() {
    local folder
    folder=$(postgres_folder)
    cd /
    as_postgres setsid "$(postgres_programs)/postgres" -D "$folder/data" \
        -c listen_addresses=127.0.0.1 -c port="$(port postgres)" -c unix_socket_directories= \
        -c max_connections=200 -c shared_buffers=64MB -c synchronous_commit=off -c fsync="${POSTGRES_FSYNC:-on}"
}

postgres_start() {
    local folder
    ! alive postgres || return 0
    folder=$(postgres_folder)
    claim_port postgres
    [[ -d $folder/data ]] || step "making the Postgres cluster" "$STATE/log/initdb.log" make_postgres "$folder"
    spawn postgres postgres_process
}

# SQL as the superuser, from standard input.
postgres_sql() {
    PGPASSWORD=$(kept postgres-superuser random_password) PGCONNECT_TIMEOUT=5 "$(postgres_programs)/psql" -X -q -t -A -v ON_ERROR_STOP=1 \
        -h 127.0.0.1 -p "$(port postgres)" -U postgres -d postgres
}

postgres_answers() { postgres_sql <<<'select 1'; }

postgres_ready() {
    wait_for "Postgres" 60 postgres postgres_answers
    # psql puts the password into the statement, not into its arguments.
    postgres_sql >/dev/null <<SQL
\\set password '$(kept postgres-password random_password)'
select 'create role ebm' where not exists (select from pg_roles where rolname = 'ebm') \\gexec
alter role ebm login createdb password :'password';
select 'create database ebm owner ebm' where not exists (select from pg_database where datname = 'ebm') \\gexec
SQL
}

database_url() {
    printf 'postgres://ebm:%s@127.0.0.1:%s/ebm' "$(kept postgres-password random_password)" "$(port postgres)"
}

# SIGINT ends the sessions; SIGTERM would wait for them.
postgres_stop() { halt postgres INT 20 || true; }
