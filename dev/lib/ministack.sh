# MiniStack: IAM, STS and SQS in one process, standing in for AWS. It keeps its state over a restart,
# but writes it only when it is asked to end: after a crash its users are made again, with new keys.

MINISTACK_VERSION=1.5.33

ministack_venv() { printf '%s' "$CACHE/ministack/$MINISTACK_VERSION"; }

install_ministack() {
    local venv
    venv=$(ministack_venv)
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q --disable-pip-version-check "ministack==$MINISTACK_VERSION" 'boto3>=1.40,<2'
    touch "$venv/complete"
}

choose_account() { shuf -i 100000000000-999999999999 -n 1; }
choose_access_key() { printf 'AKIA%s' "$(LC_ALL=C tr -dc 'A-Z2-7' < <(head -c 512 /dev/urandom) | head -c 16)"; }

# Settings by the names that AWS's own clients read: a function is called with each name and value.
each_aws_endpoint() { # FUNCTION
    local service
    for service in SQS IAM STS; do
        "$1" "AWS_ENDPOINT_URL_$service" "http://127.0.0.1:$(port ministack)"
    done
}

each_aws_root() { # FUNCTION
    "$1" AWS_REGION eu-central-1
    "$1" AWS_ACCOUNT_ID "$(kept aws-account choose_account)"
    "$1" AWS_ACCESS_KEY_ID "$(kept aws-root-key choose_access_key)"
    "$1" AWS_SECRET_ACCESS_KEY "$(kept aws-root-secret random_password)"
}

export_as() { export "$1=$2"; }

ministack_process() {
    local folder=$STATE/ministack
    each_aws_root export_as
    export AUTH=true BIND_HOST=127.0.0.1 MINISTACK_HOST=127.0.0.1 GATEWAY_PORT
    export PERSIST_STATE=1 STATE_DIR=$folder/state MINISTACK_ACCOUNT_ID=$AWS_ACCOUNT_ID MINISTACK_REGION=$AWS_REGION
    export HOME=$folder TMPDIR=$folder/tmp
    GATEWAY_PORT=$(port ministack)
    cd "$folder"
    exec setsid "$(ministack_venv)/bin/python" "$ROOT/dev/ministack/launch.py"
}

ministack_start() {
    ! alive ministack || return 0
    mkdir -p "$STATE"/ministack/{state,tmp}
    claim_port ministack
    spawn ministack ministack_process
}

make_identities() {
    each_aws_root export_as
    each_aws_endpoint export_as
    "$(ministack_venv)/bin/python" "$ROOT/dev/ministack/identities.py" "$STATE/kept"
}

ministack_ready() {
    wait_for "MiniStack" 60 ministack answers "$(port ministack)" /_ministack/health
    step "its two users" "$STATE/log/identities.log" make_identities
}

# The access key of a user: `aws_key ebm-console 1` is its id, `… 2` its secret.
aws_key() { cut -d ' ' -f "$2" "$STATE/kept/aws-$1"; }

ministack_stop() { halt ministack TERM 20 || true; }
