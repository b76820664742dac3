#!/bin/sh
# Applies a patch and then the hidden tests to the worktree it is started in. Runs inside a fresh sandbox.
#
#   apply.sh FOLDER    with whole.patch (as it was handed in), kept.patch (what of it may stand) and tests.patch
#
# Prints one line that says how it went, then every path that the patch changed, each ended by NUL. The whole patch
# must fit, as the field has it, though only a part of it stands: a patch that does not apply is not mended by leaving
# its bad part out. `patch` takes over with fuzz where git does not, as SWE-bench's own harness does.
set -u
folder=$1
quiet_git() { git -c core.hooksPath=/dev/null -c core.fsmonitor=false -c safe.directory='*' "$@"; }
fits() { quiet_git apply --check --whitespace=nowarn "$1" >&2; }
git_apply() { [ ! -s "$1" ] || quiet_git apply --whitespace=nowarn "$1" >&2; }
fuzzy_apply() { [ ! -s "$1" ] || patch --batch --fuzz=5 --strip=1 --no-backup-if-mismatch --input="$1" >&2; }

if [ -s "$folder/tests.patch" ] && ! fits "$folder/tests.patch"; then
  echo 'tests do not fit the base'
  exit 0
fi
touch "$folder/before"
if [ ! -s "$folder/whole.patch" ]; then
  how='nothing to apply'
elif fits "$folder/whole.patch" && git_apply "$folder/kept.patch"; then
  how='git apply'
elif fuzzy_apply "$folder/kept.patch"; then
  how='patch --fuzz'
else
  echo 'not at all'
  exit 0
fi
find . -path ./.git -prune -o \( -type f -o -type l \) -newercm "$folder/before" -print0 >"$folder/changed"
quiet_git ls-files --deleted -z >>"$folder/changed"
if ! git_apply "$folder/tests.patch"; then
  how='tests do not fit the patch'
fi
echo "$how"
cat "$folder/changed"
rm -rf "$folder"
