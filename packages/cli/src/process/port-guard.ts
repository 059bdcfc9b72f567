import { createServer, type Server } from "node:net";
import { WeftError } from "@weft/kernel";
import { renderAdminAddress } from "../admin/admin-address.ts";
import type { CliErrorCode } from "../errors.ts";
import { findPortHolders, type PortHolder } from "./port-holder.ts";

/** An address that is to be listened on. */
export interface PortUse {
  /** Whose it is, for messages: a listener's name, or "admin". */
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** A port that another process listens on. */
export interface TakenPort extends PortUse {
  /** Empty where the system does not tell. */
  readonly holders: readonly PortHolder[];
}

/**
 * Those of the addresses that another process listens on. Workers share their ports (SO_REUSEPORT), so that the system would
 * let any two proxies of one user share them, too, each getting a part of the other's connections: this finds out before
 * anything listens. `own` are processes whose sockets do not count.
 */
export async function findTakenPorts(
  uses: readonly PortUse[],
  own: ReadonlySet<number>,
): Promise<readonly TakenPort[]> {
  const taken: TakenPort[] = [];
  for (const use of uses) {
    if (use.port === 0 || (await canListenAlone(use))) continue;
    const holders = await findPortHolders(use.address, use.port);
    if (holders.length > 0 && holders.every(({ pid }) => own.has(pid))) continue;
    taken.push({ ...use, holders });
  }
  return taken;
}

/** Ports that are ours to listen on, held against others that look at the same moment. */
export interface PortClaim {
  /** To be called when our own sockets listen. */
  release(): void;
}

/**
 * Makes sure that nobody listens on the addresses, and that of several processes that want the same at once all but one are
 * told so.
 *
 * @throws WeftError CLI_PORT_TAKEN that names every port that is taken, and by whom
 */
export async function claimPorts(uses: readonly PortUse[]): Promise<PortClaim> {
  const marks: Server[] = [];
  const release = (): void => {
    for (const mark of marks.splice(0)) mark.close();
  };
  const wanted = uses.filter(({ port }) => port !== 0);
  const reasons: string[] = [];
  for (const use of wanted) {
    const mark = await setMark(use);
    if (mark === "set already") reasons.push(`${renderPlace(use)} is about to be taken by another process that starts`);
    else if (mark !== null) marks.push(mark);
  }
  if (reasons.length === 0) reasons.push(...(await findTakenPorts(wanted, new Set())).map(renderTakenPort));
  if (reasons.length === 0) return { release };
  release();
  throw new WeftError<CliErrorCode>("CLI_PORT_TAKEN", `Cannot listen: ${reasons.join("; ")}`, { reasons });
}

/** "127.0.0.1:8080 (listener http) is taken by process 123 (node)". */
export function renderTakenPort(taken: TakenPort): string {
  const { holders } = taken;
  const by = holders.map(({ pid, name: program }) => `process ${pid}${program === "" ? "" : ` (${program})`}`);
  const who = by.length === 0 ? "a process that this user cannot see" : by.join(" and ");
  return `${renderPlace(taken)} is taken by ${who}`;
}

function renderPlace(use: PortUse): string {
  return `${renderAdminAddress(use)} (${use.name})`;
}

/**
 * Between the look at a port and the moment that workers listen on it stands a name without a file that only one process can
 * have (Linux: abstract sockets). Null where there are none: there, whoever looks at the same moment is not noticed.
 */
function setMark(use: PortUse): Promise<Server | "set already" | null> {
  if (process.platform !== "linux") return Promise.resolve(null);
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "EADDRINUSE" ? "set already" : null));
    server.listen({ path: `\0weft-claim-${renderAdminAddress(use)}`, exclusive: true }, () => resolve(server));
  });
}

/** False only when somebody listens there: what else is wrong with an address, whoever listens on it says. */
function canListenAlone({ address: host, port }: PortUse): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "EADDRINUSE"));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
