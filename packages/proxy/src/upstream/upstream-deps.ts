import type { Clock, OutputScheduler, TimerWheel } from "@weft/kernel";

/** What every upstream connection of a worker shares. */
export interface UpstreamDeps {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly scheduler: OutputScheduler;
}
