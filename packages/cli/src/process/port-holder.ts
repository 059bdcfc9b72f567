import { readdir, readFile, readlink } from "node:fs/promises";
import { isIPv4 } from "node:net";

/** A process that listens. */
export interface PortHolder {
  readonly pid: number;
  /** As the system lists it, at most 15 characters; "" where it cannot be read. */
  readonly name: string;
}

/** The state of a socket that listens, in /proc/net/tcp. */
const LISTENING = "0A";

/**
 * The processes that listen where a listener on this address and port would, as far as Linux lets this process see them:
 * those of other users are hidden. Empty on other systems.
 */
export async function findPortHolders(address: string, port: number): Promise<readonly PortHolder[]> {
  const tables = await Promise.all(["/proc/net/tcp", "/proc/net/tcp6"].map((path) => readOr(path, "")));
  const sockets = new Set(tables.flatMap((table) => listeningSockets(table, address, port)));
  if (sockets.size === 0) return [];
  const holders: PortHolder[] = [];
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry) || !(await hasAny(entry, sockets))) continue;
    holders.push({ pid: Number(entry), name: (await readOr(`/proc/${entry}/comm`, "")).trim() });
  }
  return holders;
}

/** The sockets of a table like /proc/net/tcp that take connections to the address and port, as links below /proc name them. */
export function listeningSockets(table: string, address: string, port: number): readonly string[] {
  const wanted = encodeAddress(address);
  const sockets: string[] = [];
  for (const line of table.split("\n").slice(1)) {
    const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
    const [host = "", hexPort = ""] = local.split(":");
    if (state !== LISTENING || Number.parseInt(hexPort, 16) !== port) continue;
    if (host === wanted || isWildcard(host) || isWildcard(wanted)) sockets.push(`socket:[${inode}]`);
  }
  return sockets;
}

function isWildcard(hexAddress: string): boolean {
  return /^0+$/.test(hexAddress);
}

/** An address as /proc/net/tcp writes it: groups of four bytes, each as a number of the machine's byte order. */
function encodeAddress(address: string): string {
  const bytes = isIPv4(address) ? address.split(".").map(Number) : bytesOfIpv6(address);
  let text = "";
  for (let at = 0; at < bytes.length; at += 4) {
    const group = bytes.slice(at, at + 4);
    if (IS_LITTLE_ENDIAN) group.reverse();
    for (const byte of group) text += byte.toString(16).padStart(2, "0");
  }
  return text.toUpperCase();
}

const IS_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

function bytesOfIpv6(address: string): number[] {
  const [, host = ""] = /^\[(.*)\]$/.exec(new URL(`http://[${address.split("%")[0]}]`).hostname) ?? [];
  const [head = "", tail = ""] = host.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === "" ? [] : tail.split(":");
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill("0"), ...after];
  return groups.flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

/** True when the process has one of the sockets open; false also where that cannot be seen. */
async function hasAny(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  for (const descriptor of await readdir(folder).catch(() => [])) {
    if (sockets.has(await readlink(`${folder}/${descriptor}`).catch(() => ""))) return true;
  }
  return false;
}

function readOr(path: string, fallback: string): Promise<string> {
  return readFile(path, "utf8").catch(() => fallback);
}
