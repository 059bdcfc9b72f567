import { canPassHandles } from "@weft/kernel";
import type { UpgradeStatus } from "@weft/proxy";
import type { ExitCode } from "../exit-code.ts";
import { Generation, type RunOptions, type Serving } from "./generation.ts";
import { type GenerationMessage, type KeeperMessage, type Predecessor, reasonOf } from "./generation-message.ts";
import { Keeper } from "./keeper.ts";
import { isMessage } from "./message.ts";
import { handleSignals } from "./signals.ts";
import { Supervisor } from "./supervisor.ts";
import type { SuccessorProgram } from "./successor-process.ts";

/** Serves until a signal or the end of the parent process; the result is the process's exit code. */
export async function runRole(options: RunOptions, program: SuccessorProgram): Promise<ExitCode> {
  const canHandOver = options.host instanceof Supervisor && canPassHandles();
  const keeper = new Keeper(canHandOver ? program : null, options.log);
  const generation = new Generation(options, {
    upgrade: (reason) => keeper.upgrade(reason),
    upgradeStatus: () => keeper.status,
  });
  keeper.begin(generation);
  const stopSignals = handleSignals({
    onDrain: (reason) => keeper.drain(reason),
    onKill: (reason) => keeper.kill(reason),
    onReload: () => keeper.reload(),
    onUpgrade: () => void keeper.upgrade("SIGUSR2"),
  });
  try {
    const serving = await generation.start();
    // For a parent process that waits for it.
    process.send?.(readyMessage(serving));
    return await keeper.end;
  } catch (error) {
    await generation.abandon();
    throw error;
  } finally {
    stopSignals();
  }
}

/** Tells the process that started this one to take over why it cannot. */
export function refuseSuccession(reason: string): void {
  tell({ type: "refused", reason });
}

/** Takes over from the version that runs, for the keeper that started this process, and serves as `runRole` does. */
export async function runSuccessor(options: RunOptions): Promise<ExitCode> {
  const { promise: succession, resolve: onSucceed } = Promise.withResolvers<Predecessor>();
  let status: UpgradeStatus = {
    generation: 0,
    state: "running",
    reason: "",
    tookMs: 0,
    handOverMs: 0,
    moved: 0,
    waiting: 0,
  };
  const upgrade = (reason: string): UpgradeStatus => {
    if (status.state !== "running") {
      status = { ...status, state: "running", reason: "", tookMs: 0, handOverMs: 0, moved: 0, waiting: 0 };
      tell({ type: "upgrade-wanted", reason });
    }
    return status;
  };
  const generation = new Generation(options, { upgrade, upgradeStatus: () => status });
  process.on("message", (message) => {
    if (!isMessage(message)) return;
    const told = message as KeeperMessage;
    if (told.type === "succeed") onSucceed(told.predecessor);
    else if (told.type === "upgrade-status") ({ status } = told);
    else if (told.type === "hand-over") void handOver(generation, told.to);
    else tell({ type: "description", predecessor: { ...generation.describe(), generation: status.generation } });
  });
  const stopSignals = handleSignals({
    onDrain: (reason) => generation.drain(reason),
    onKill: (reason) => generation.kill(reason),
    onReload: () => generation.reload(),
    onUpgrade: () => void upgrade("SIGUSR2"),
  });
  tell({ type: "online" });
  try {
    const predecessor = await succession;
    status = { ...status, generation: predecessor.generation + 1 };
    const prepared = generation.succeed(predecessor, (address) => tell({ type: "prepared", address }));
    // A keeper that goes away, or has enough of it, ends the wait.
    const serving = await Promise.race([prepared, generation.end]);
    if (typeof serving === "number") return serving;
    tell(readyMessage(serving));
    return await generation.end;
  } catch (error) {
    refuseSuccession(reasonOf(error));
    await generation.abandon();
    throw error;
  } finally {
    stopSignals();
  }
}

async function handOver(generation: Generation, to: Parameters<Generation["handOver"]>[0]): Promise<void> {
  try {
    tell({ type: "handed-over", report: await generation.handOver(to) });
  } catch (error) {
    tell({ type: "refused", reason: reasonOf(error) });
  }
}

function readyMessage({ listeners, admin }: Serving): GenerationMessage {
  return { type: "ready", listeners, admin };
}

/** What the parent process is told; it is the keeper. */
function tell(message: GenerationMessage): void {
  process.send?.(message);
}
