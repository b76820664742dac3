# The shell at the far end of a channel, fed with this text first and with one request after the other.
# POSIX sh. Nothing but builtins, so that it still works where the process limit leaves no room for a fork.

exec 9>&2 2>/dev/null # what the shell itself has to say (a child was killed) is nobody's output
# A command runs in the shell's own process group and session, by which it is found again (setsid(1) is an exec more,
# and not in POSIX). So a test that signals its group signals the shell: it takes note, its children have the default.
trap : HUP INT QUIT TERM USR1 USR2 ALRM PIPE

# mine: the processes that this user may signal, but for this shell, into $found
mine() {
  found=
  for entry in /proc/[0-9]*; do
    pid=${entry#/proc/}
    [ "$pid" = "$$" ] || ! kill -0 "$pid" || found="$found $pid"
  done
}

# bury: take out of $found those that have ended, though their parent has not taken note yet
bury() {
  left=
  for pid in $found; do
    look "$pid" || continue
    case $state in Z | X) ;; *) left="$left $pid" ;; esac
  done
  found=$left
  still=
}

# end MARK: close both streams of a request; on standard output the exit status and the processes left follow
end() {
  code=$?
  mine
  [ -z "$still" ] || bury
  printf '%s%s%s\n' "$1" "$code" "$found"
  printf '%s' "$1" >&9
}

# begin FOLDER: enter it and say 1, or say 0
begin() {
  cd -- "$1" || { printf 0; exit 0; }
  unset OLDPWD
  printf 1
}

# look PID: its state and session into $state and $session (proc(5): fields 3 and 6, after a name that holds anything)
look() {
  stat=
  { while IFS= read -r line; do stat="$stat $line"; done <"/proc/$1/stat"; } || return 1
  set -- ${stat##*) }
  state=$1
  session=$4
}

# belongs PID SESSION CHANNEL: whether it is of that session, or carries that mark in its environment; never this shell
belongs() {
  look "$1" || return 1
  [ "$session" != "$2" ] || return 0
  { while IFS= read -r line || [ "$line" ]; do
    case $line in *"SOLVE_CHANNEL=$3"*) return 0 ;; esac
  done <"/proc/$1/environ"; } || return 1
  return 1
}

# hunt SESSION CHANNEL: end what belongs to one command while others run. All are stopped before the first is killed:
# what is stopped forks no more, but still counts against the process limit, so this ends even with a fork bomb.
hunt() {
  again=1
  while [ "$again" ]; do
    again=
    mine
    for pid in $found; do
      belongs "$pid" "$1" "$2" || continue
      case $state in
        T | t | Z | X) ;;
        *) kill -STOP "$pid" && again=1 ;;
      esac
    done
  done
  for pid in $found; do
    belongs "$pid" "$1" "$2" && kill -KILL "$pid"
  done
}
