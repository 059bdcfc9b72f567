/** A process that takes connections and listening sockets, and sends back what it reads, beginning with what was unread. */
import { openChannelDoor } from "./handle-channel.ts";
import type { TcpHandle } from "./handle-binding.ts";
import { acceptTransport } from "./open-transport.ts";
import { OutputScheduler } from "./output-scheduler.ts";
import { TcpListener } from "./tcp-listener.ts";

const scheduler = new OutputScheduler();

function echo(handle: TcpHandle, unread: string): void {
  const transport = acceptTransport(handle, scheduler, {
    onBytes: (bytes, start, end) => transport.output.writeBytes(bytes, start, end),
    onPeerEnd: () => transport.end(),
    onOutputDrained: () => {},
    onClosed: () => {},
  });
  transport.output.writeLatin1(unread);
}

const door = openChannelDoor(() => ({
  onMessage(message, handle): void {
    if (handle === null) return;
    const { unread } = message as { unread?: string };
    if (unread !== undefined) return echo(handle, unread);
    const options = { address: "", port: 0, backlog: 64, isPortShared: false };
    void new TcpListener().adopt(handle, options, (accepted) => echo(accepted, ""));
  },
  onClosed: () => process.exit(0),
}));
process.send?.(door.address);
