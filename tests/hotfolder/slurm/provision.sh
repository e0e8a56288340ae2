#!/usr/bin/env bash
# provision.sh: put up a Slurm cluster of one node on loopback, for the tests of farms.
#
# Debian's slurm-wlm and munge, with daemons, keys, ports and files of its own in a folder, which is
# $IMPASTO_SLURM, else ~/.cache/impasto/slurm: a Slurm that the machine has besides is left alone.
# `provision.sh` prints the configuration (for SLURM_CONF); `provision.sh stop` ends the daemons.
#
# Exit codes: 0 it is up; 77 this machine cannot have one, the last line says why; else an error.
set -euo pipefail

place=${IMPASTO_SLURM:-${XDG_CACHE_HOME:-$HOME/.cache}/impasto/slurm}
conf=$place/slurm.conf
log=$place.log
export PATH=$PATH:/usr/sbin SLURM_CONF=$conf

skip() { echo "$1"; exit 77; }
fail() { echo "$1 The log: $log" >&2; exit 1; }
stop() {
  for daemon in slurmd slurmctld munged; do
    [ -s "$place/$daemon.pid" ] || continue
    pid=$(cat "$place/$daemon.pid")
    # Only what is ours: a process of another that has this number has another command line.
    grep -qs "$place" "/proc/$pid/cmdline" || continue
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  done
}

[ "$(uname -s)" = Linux ] || skip "Slurm runs on Linux only"
[ "$(id -u)" = 0 ] || skip "Slurm's daemons take root"
mkdir -p "$(dirname "$place")"
if [ "${1:-}" = stop ]; then stop; exit 0; fi
for program in slurmctld slurmd sbatch munged; do
  command -v $program >/dev/null && continue
  command -v apt-get >/dev/null || skip "there is no Slurm, and no apt-get to install Debian's"
  # Debian's own services are not started: ours have another folder.
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
    apt-get install -y -qq --no-install-recommends slurm-wlm munge; } >"$log" 2>&1 \
    || skip "slurm-wlm and munge cannot be installed (see $log)"
  break
done

stop
rm -rf "$place"
mkdir -p "$place"/{state,spool,munge}
# munged refuses a socket below a folder that others may write to.
chmod 755 "$place" && chmod 711 "$place/munge"
head -c 128 /dev/urandom >"$place/munge.key" && chmod 400 "$place/munge.key"
munged --force --socket="$place/munge/socket" --key-file="$place/munge.key" \
  --pid-file="$place/munged.pid" --seed-file="$place/munge.seed" --log-file="$place/munged.log" \
  >"$log" 2>&1 || fail "munged does not start."

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
cat >"$conf" <<CONF
ClusterName=impasto
SlurmctldHost=$(hostname)(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
AuthType=auth/munge
AuthInfo=socket=$place/munge/socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$place/state
SlurmdSpoolDir=$place/spool
SlurmctldPidFile=$place/slurmctld.pid
SlurmdPidFile=$place/slurmd.pid
SlurmctldLogFile=$place/slurmctld.log
SlurmdLogFile=$place/slurmd.log
# Neither control groups nor accounting: processes are told by their ancestry.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=2,bf_interval=2
JobRequeue=1
MinJobAge=3600
KillWait=10
ReturnToService=2
NodeName=$(hostname) NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=paint Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
slurmctld -f "$conf" >>"$log" 2>&1 || fail "slurmctld does not start."
slurmd -f "$conf" >>"$log" 2>&1 || fail "slurmd does not start."
for _ in $(seq 60); do
  sinfo --noheader --format=%t >"$place/state.txt" 2>>"$log" || true
  case $(cat "$place/state.txt") in
    idle | mix | alloc) echo "$conf"; exit 0 ;;
  esac
  sleep 0.5
done
stop
skip "Slurm's node does not come up here ($(cat "$place/state.txt"); see $place/slurmd.log)"
