/** What a long-running command does when it is told to. */
export interface SignalHandler {
  /** SIGTERM or SIGINT, or the end of the process that started this one: finish what is in flight, then end. */
  onDrain(reason: string): void;
  /** The same a second time: end at once. */
  onKill(reason: string): void;
  /** SIGHUP. */
  onReload(): void;
  /** SIGUSR2. */
  onUpgrade(): void;
}

/**
 * Turns signals into calls until the result is called. A process that was started with a channel to its parent ends with
 * it, and leaves SIGINT, which a terminal sends to parent and child alike, to the parent.
 */
export function handleSignals(handler: SignalHandler): () => void {
  const hasParent = process.channel !== undefined;
  let isDraining = false;
  const end = (reason: string): void => {
    if (isDraining) {
      handler.onKill(reason);
      return;
    }
    isDraining = true;
    handler.onDrain(reason);
  };
  const listeners: readonly (readonly [NodeJS.Signals, () => void])[] = [
    ["SIGTERM", () => end("SIGTERM")],
    ["SIGINT", () => void (hasParent || end("SIGINT"))],
    ["SIGHUP", () => handler.onReload()],
    ["SIGUSR2", () => handler.onUpgrade()],
  ];
  // Nobody is left to serve for: no drain.
  const onDisconnect = (): void => handler.onKill("the parent process is gone");
  for (const [signal, listener] of listeners) process.on(signal, listener);
  if (hasParent) process.on("disconnect", onDisconnect);
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener);
    process.off("disconnect", onDisconnect);
  };
}
