# Sourced by `.ci/run` and `tests/run`: runs named steps, each a line on the terminal, with its output in a log of its own.

logs=${CARGO_TARGET_DIR:-target}/logs
mkdir -p "$logs"
failed=()
summary=()

# step <name> <command ...>: one line; of the output only what `excerpt` finds when it failed.
step() {
    local name=$1 log started=$SECONDS
    shift
    log=$logs/$(printf '%s' "$name" | tr -cs '[:alnum:]' '-').log
    printf '%-52s' "$name"
    if "$@" </dev/null >"$log" 2>&1; then
        printf 'ok    %4ds\n' $((SECONDS - started))
        return 0
    fi
    printf 'FAILED %3ds\n' $((SECONDS - started))
    excerpt "$log" | sed 's/^/    /'
    printf '    (all of it: %s)\n' "$log"
    failed+=("$name")
    return 1
}

# What a reader of a failure wants to see: node's list of failing tests, cargo's failures, else the end.
excerpt() {
    if grep -q '^✖ failing tests:' "$1"; then
        sed -n '/^✖ failing tests:/,$p' "$1" | head -n 200
    elif grep -q '^failures:$' "$1"; then
        sed -n '/^failures:$/,/^test result:/p' "$1" | head -n 200
    else
        tail -n 60 "$1"
    fi
}

# finish: the summary lines and the verdict, as exit code too.
finish() {
    printf '\n'
    ((${#summary[@]} == 0)) || printf '%s\n' "${summary[@]}"
    if ((${#failed[@]} == 0)); then
        printf 'All steps passed.\n'
        return 0
    fi
    printf 'FAILED: %s\n' "${failed[@]}"
    return 1
}
