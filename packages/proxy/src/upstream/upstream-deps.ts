import type { Clock, OutputScheduler, Random, TimerWheel } from "@weft/kernel";

/** What every upstream connection of a worker shares. */
export interface UpstreamDeps {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly random: Random;
  readonly scheduler: OutputScheduler;
}
