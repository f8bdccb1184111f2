# The company that dev/run shows: an example program makes it through the API, and lets its apps work.

landscape_program() { printf '%s' "$TARGET/$PROFILE/examples/landscape"; }

# What it has made belongs to the database in use.
landscape_file() { printf '%s' "$STATE/kept/landscape-$(database_in_use | hash_of).json"; }

# Becomes the program, with what `dev/state/env` says.
become_landscape() { # make | flow
    local file
    file=$(landscape_file)
    set -a
    # shellcheck disable=SC1091
    source "$STATE/env"
    EBM_LANDSCAPE=$file
    set +a
    exec "$(landscape_program)" "$1"
}

landscape_make() { (become_landscape make); }

# The same, as a question: was all of it made, and is it as it should be?
landscape_made() {
    landscape_make
    [[ -s $(landscape_file) ]]
}

# Nothing flows where nothing was made: someone's own apps were there first.
landscape_start() { [[ ! -s $(landscape_file) ]] || spawn landscape become_landscape flow; }

landscape_stop() { halt landscape TERM 10 || true; }
