import type { World } from "@weft/contract";
import type { WorkerStatus } from "@weft/proxy";
import type { ListenerAddress } from "./message.ts";

/** Runs a role in one process or in several; who owns it does not see the difference. */
export interface RoleHost {
  /** The configuration handed out last, with the ports that were chosen; null before the start. */
  readonly world: World | null;
  /** Every process of the role as it is now. */
  status(): readonly WorkerStatus[];
  /**
   * Resolves with the addresses of the listeners when all of them are served.
   *
   * @throws WeftError when a listener or a worker cannot start; nothing is left running then
   */
  start(world: World): Promise<readonly ListenerAddress[]>;
  /** Makes this the configuration. What cannot be applied is logged, and the last one stays. */
  apply(world: World): Promise<void>;
  /** Asks every process of the role; those that do not answer in time are left out. */
  askAll(topic: string, argument: unknown): Promise<readonly unknown[]>;
  /** Lets what is in flight finish within the deadline that the configuration has. */
  drain(): Promise<void>;
  /** Ends everything at once. */
  kill(): void;
}
