# The two files of settings in the state folder: `env` for people and tests, `ebm.env` for the product.

ebm_url() { printf 'http://127.0.0.1:%s' "$(port ebm)"; }
ops_url() { printf 'http://127.0.0.1:%s' "$(port ops)"; }

address() {
    assign EBM_URL "$(ebm_url)"
    assign EBM_OPS_URL "$(ops_url)"
}

# Where the product listens, and its keys.
product_settings() {
    assign EBM_HTTP__LISTEN "127.0.0.1:$(port ebm)"
    assign EBM_HTTP__OPS_LISTEN "127.0.0.1:$(port ops)"
    assign EBM_HTTP__PUBLIC_URL "$(ebm_url)"
    assign EBM_HTTP__SITE_ROOT "$SITE"
    assign EBM_SECRETS__KEY "$(kept secrets-key random_key)"
    assign EBM_SECRETS__HISTORY_KEY "$(kept secrets-history-key random_key)"
}

# The servers as the product reaches them: with principals of its own, none of them a super user.
server_settings() {
    local account
    account=$(kept aws-account choose_account)
    assign EBM_DATABASE__URL "$(database_url)"
    assign EBM_KAFKA__BOOTSTRAP_SERVERS "127.0.0.1:$(port kafka)"
    assign EBM_KAFKA__SECURITY sasl_plaintext
    assign EBM_KAFKA__USERNAME ebm-console
    assign EBM_KAFKA__PASSWORD "$(kafka_password ebm-console)"
    assign EBM_KAFKA__WORKER_USERNAME ebm-worker
    assign EBM_KAFKA__WORKER_PASSWORD "$(kafka_password ebm-worker)"
    assign EBM_KAFKA__REPLICATION 1
    assign EBM_AWS__ACCOUNT_ID "$account"
    assign EBM_AWS__REGION eu-central-1
    assign EBM_AWS__WORKER_ARN "arn:aws:iam::$account:user/ebm-worker"
    assign EBM_AWS__CONSOLE_ACCESS_KEY_ID "$(aws_key ebm-console 1)"
    assign EBM_AWS__CONSOLE_SECRET_ACCESS_KEY "$(aws_key ebm-console 2)"
    assign EBM_AWS__WORKER_ACCESS_KEY_ID "$(aws_key ebm-worker 1)"
    assign EBM_AWS__WORKER_SECRET_ACCESS_KEY "$(aws_key ebm-worker 2)"
    each_aws_endpoint assign
}

# The servers as a person or a test reaches them: past the product, as super users.
outside_settings() {
    assign EBM_DATABASE__URL "$(database_url)"
    assign EBM_KAFKA__BOOTSTRAP_SERVERS "127.0.0.1:$(port kafka)"
    assign KAFKA_ADMIN_USER admin
    assign KAFKA_ADMIN_PASSWORD "$(kafka_password admin)"
    each_aws_endpoint assign
    each_aws_root assign
}

# The settings in a file of somebody's own.
settings_of() { grep -E '^(export +)?[A-Z][A-Z0-9_]*=' "$1" | sed -E 's/^export +//'; }

# Replaces a file at once, so that nobody reads half of it.
write_settings() { # FILE FUNCTION...
    local file=$1 each
    shift
    for each; do $each; done >"$file.new"
    mv "$file.new" "$file"
}
