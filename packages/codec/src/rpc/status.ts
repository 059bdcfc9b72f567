import type { ResetReason } from "@weft/contract";

/** Status, in HTTP's words, of the answer to a request that is given up; 0: none, the client has gone. */
export function statusOfReset(reason: ResetReason): number {
  switch (reason) {
    case "cancelled":
      return 0;
    case "too-large":
      return 413;
    case "protocol":
    case "connection":
      return 502;
    case "refused":
    case "connect":
    case "overloaded":
      return 503;
    case "timeout":
      return 504;
    case "internal":
      return 500;
  }
}
