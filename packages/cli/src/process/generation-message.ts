import type { ChannelAddress } from "@weft/kernel";
import type { MetricsSnapshot, UpgradeStatus } from "@weft/proxy";
import type { AdminAddress } from "../admin/admin-address.ts";
import type { MoveReport } from "./hand-over-message.ts";
import type { HostVerdict, ListenerAddress } from "./message.ts";
import type { ChosenPort } from "./shared-ports.ts";

/** What a version must know of the one before it to take over from it. */
export interface Predecessor {
  /** 1 for the version that was started by hand. */
  readonly generation: number;
  readonly chosenPorts: readonly ChosenPort[];
  /** Where it listens: these addresses are free for its successor. */
  readonly places: readonly AdminAddress[];
  /** Where its admin server is. */
  readonly admin: AdminAddress;
}

/** What the version in charge says to the one that is to take over, over a channel of their own. */
export type PredecessorMessage =
  /** So many workers will hand over what they have. */
  | { readonly type: "begin"; readonly givers: number; readonly verdicts: readonly HostVerdict[] }
  /** All that can go has gone; comes with the socket of the admin server, which is not listened on before `admin-closed`. */
  | { readonly type: "take-over"; readonly counts: MetricsSnapshot; readonly report: MoveReport }
  | { readonly type: "admin-closed" }
  /** What has been counted by now, since requests are still finished. */
  | { readonly type: "counts"; readonly counts: MetricsSnapshot }
  /** There will be no take-over. */
  | { readonly type: "give-up"; readonly reason: string };

/** What the version that is to take over answers. */
export type SuccessorMessage =
  /** Where each giver is to send what it has. */
  | { readonly type: "targets"; readonly targets: readonly (readonly ChannelAddress[])[] }
  /** All of its workers accept connections. */
  | { readonly type: "listening" }
  /** It has the admin socket, and is in charge as soon as that is its own. */
  | { readonly type: "in-charge" }
  | { readonly type: "failed"; readonly reason: string };

/** What the keeper says to a version that runs as a process of its own. */
export type KeeperMessage =
  | { readonly type: "succeed"; readonly predecessor: Predecessor }
  | { readonly type: "describe" }
  | { readonly type: "hand-over"; readonly to: ChannelAddress }
  | { readonly type: "upgrade-status"; readonly status: UpgradeStatus };

/** What such a process says to the keeper. */
export type GenerationMessage =
  | { readonly type: "online" }
  | { readonly type: "prepared"; readonly address: ChannelAddress }
  | { readonly type: "ready"; readonly listeners: readonly ListenerAddress[]; readonly admin: AdminAddress }
  | { readonly type: "description"; readonly predecessor: Predecessor }
  | { readonly type: "handed-over"; readonly report: MoveReport }
  | { readonly type: "refused"; readonly reason: string }
  | { readonly type: "upgrade-wanted"; readonly reason: string };

/** What a failure says to somebody who was not there. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
