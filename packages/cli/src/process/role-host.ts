import type { World } from "@weft/contract";
import type { WorkerStatus } from "@weft/proxy";
import type { ListenerAddress } from "./message.ts";
import type { RoleReloads } from "./reload-record.ts";

/** Runs a role in one process or in several; who owns it does not see the difference. */
export interface RoleHost {
  /** The configuration in force, with the ports that were chosen; null before the start. */
  readonly world: World | null;
  /** What became of the configurations that `apply` was given. */
  readonly reloads: RoleReloads;
  /** Every process of the role as it is now. */
  status(): readonly WorkerStatus[];
  /**
   * Resolves with the addresses of the listeners when all of them are served.
   *
   * @throws WeftError when a listener or a worker cannot start; nothing is left running then
   */
  start(world: World): Promise<readonly ListenerAddress[]>;
  /**
   * Makes this the configuration of all processes, or of none: what cannot be applied is logged, the last one stays, and
   * this one is tried again while the reason may pass. `onApplied` is called when it is in force.
   */
  apply(world: World, onApplied: () => void): Promise<void>;
  /** Asks every process of the role; those that do not answer in time are left out. */
  askAll(topic: string, argument: unknown): Promise<readonly unknown[]>;
  /** Lets what is in flight finish within the deadline that the configuration has. */
  drain(): Promise<void>;
  /** Ends everything at once. */
  kill(): void;
}
