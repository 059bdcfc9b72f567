import { readdirSync, readFileSync } from "node:fs";

/** What a group of processes has used. */
export interface ProcessUsage {
  /** User and system time of all threads since their start, in microseconds. */
  readonly cpuUs: number;
  /** Resident memory; pages that several processes share count in each. */
  readonly rssBytes: number;
}

/** Linux reports times to user space in this unit, whatever the kernel's own tick is. */
const TICK_US = 10_000;

/** Fields of /proc/<pid>/stat, counted after the parenthesis that ends the name; proc(5). */
const STAT_STATE = 0;
const STAT_PARENT = 1;
const STAT_USER_TICKS = 11;
const STAT_SYSTEM_TICKS = 12;

/** The process and all that descend from it; empty when it is gone. */
export function readProcessTree(pid: number): readonly number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    const fields = /^\d+$/.test(name) ? readStat(Number(name)) : null;
    // A zombie has ended; only nobody has asked how.
    if (fields !== null && fields[STAT_STATE] !== "Z") parents.set(Number(name), Number(fields[STAT_PARENT]));
  }
  if (!parents.has(pid)) return [];
  const tree = [pid];
  // The list grows while it is walked: children of children are found too.
  for (const member of tree) {
    for (const [child, parent] of parents) if (parent === member) tree.push(child);
  }
  return tree;
}

/** What these processes have used until now; those that are gone used nothing. */
export function readUsage(pids: readonly number[]): ProcessUsage {
  let cpuUs = 0;
  let rssBytes = 0;
  for (const pid of pids) {
    cpuUs += readCpuUs(pid);
    rssBytes += readRssBytes(pid);
  }
  return { cpuUs, rssBytes };
}

/** Resident memory of these processes. */
export function readMemory(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + readRssBytes(pid), 0);
}

/**
 * utime + stime have all threads, ended ones too, in ticks of 10 ms; the scheduler's own account has nanoseconds, of the
 * living threads only. Ticks round down, so the larger of the two is the closer one.
 */
function readCpuUs(pid: number): number {
  const fields = readStat(pid);
  if (fields === null) return 0;
  const ticks = Number(fields[STAT_USER_TICKS]) + Number(fields[STAT_SYSTEM_TICKS]);
  return Math.max(ticks * TICK_US, readScheduledUs(pid));
}

function readScheduledUs(pid: number): number {
  let us = 0;
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      us += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ")[0]) / 1_000;
    }
  } catch {
    // A kernel without this account, or a thread that ended: the ticks stand.
    return 0;
  }
  return us;
}

function readRssBytes(pid: number): number {
  try {
    const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
    return Number(match?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** The fields after the name, which may hold spaces and parentheses itself; null when the process is gone. */
function readStat(pid: number): readonly string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null;
  }
}
