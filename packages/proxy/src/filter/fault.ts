import type { Fault } from "@weft/contract";
import type { Random } from "@weft/kernel";

/** What a fault filter does to one request. */
export interface FaultDraw {
  /** 0 for no delay. */
  readonly delayMs: number;
  readonly aborts: boolean;
}

/** Draws whether a request is delayed and whether it is aborted, each by its own chance. */
export function drawFault(fault: Fault, random: Random): FaultDraw {
  const delays = fault.delayShare > 0 && random.next() < fault.delayShare;
  const aborts = fault.abortShare > 0 && random.next() < fault.abortShare;
  return { delayMs: delays ? fault.delayMs : 0, aborts };
}
