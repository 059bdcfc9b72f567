// For tests: a proxy of the fewest lines over real sockets, one client session per server session.
import { once } from "node:events";
import net from "node:net";
import type { TestContext } from "node:test";
import {
  type Answer,
  type ClientSession,
  type ClientSessionHandler,
  type ClientStream,
  type Fields,
  NO_FIELDS,
  type Refusal,
  type RequestHead,
  type RequestReceiver,
  type ResetReason,
  ResponseHead,
  type ResponseReceiver,
  type ServerSession,
  type ServerSessionHandler,
  type ServerStream,
} from "@weft/contract";
import { OutputBuffer, type WeftError } from "@weft/kernel";

const NO_BODY: Buffer = Buffer.alloc(0);

/** Makes the two sessions of a connection. */
export interface PipeCodec {
  createServer(output: OutputBuffer, handler: ServerSessionHandler): ServerSession;
  createClient(output: OutputBuffer, handler: ClientSessionHandler): ClientSession;
}

/** One call through the pipe: what one side says, the other is told. */
class Call implements RequestReceiver, ResponseReceiver {
  readonly #down: ServerStream;
  up: ClientStream | null = null;
  #owed: number = 0;

  constructor(down: ServerStream) {
    this.#down = down;
  }

  onRequestData(bytes: Buffer, start: number, end: number, isEnd: boolean): void {
    this.up?.sendData(bytes, start, end, isEnd);
    this.#down.consume(end - start);
  }

  onRequestTrailers(): void {}

  onRequestReset(reason: ResetReason): void {
    this.up?.reset(reason);
  }

  onRequestRefused(): null {
    return null;
  }

  onResponseWritable(): void {
    const owed = this.#owed;
    this.#owed = 0;
    this.up?.consume(owed);
  }

  onInformational(): void {}

  onResponseHead(head: ResponseHead, isEnd: boolean): void {
    this.#down.sendHead(head, isEnd);
  }

  onResponseData(bytes: Buffer, start: number, end: number, isEnd: boolean): void {
    if (this.#down.sendData(bytes, start, end, isEnd)) this.up?.consume(end - start);
    else this.#owed += end - start;
  }

  onResponseTrailers(): void {}

  onResponseReset(reason: ResetReason): void {
    this.#down.reset(reason);
  }

  onRequestWritable(): void {}
}

/** A session with its socket: one write per turn, and the session is told when the socket has room again. */
class Wire {
  readonly output: OutputBuffer;
  readonly #socket: net.Socket;
  #session: ServerSession | ClientSession | null = null;

  constructor(socket: net.Socket) {
    this.#socket = socket;
    this.output = new OutputBuffer({ onOutputPending: () => queueMicrotask(() => this.flush()) });
  }

  flush(): void {
    let hasRoom = true;
    for (const part of this.output.take()) hasRoom = this.#socket.write(part);
    this.output.isCongested = !hasRoom;
    if (hasRoom) this.#session?.outputDrained();
  }

  attach(session: ServerSession | ClientSession): void {
    this.#session = session;
    this.#socket.on("data", (bytes: Buffer) => session.receive(bytes, 0, bytes.length));
    this.#socket.on("end", () => session.receiveEnd());
    this.#socket.on("error", (error) => session.connectionLost(error.message));
    this.#socket.on("drain", () => {
      this.output.isCongested = false;
      session.outputDrained();
    });
  }
}

/** What a pipe has seen: for assertions on what the peers cannot tell. */
export interface Pipe {
  readonly port: number;
  readonly heads: RequestHead[];
  readonly clients: ClientSession[];
  readonly servers: ServerSession[];
  readonly errors: (WeftError | null)[];
  /** Answers of hosts to heartbeats, and of clients. */
  pongs: number;
  clientPongs: number;
  drainings: number;
}

/** Listens on a free port and forwards each connection to `upstreamPort`, with fields `added`, until the test ends. */
export async function startPipe(
  t: TestContext,
  codec: PipeCodec,
  upstreamPort: number,
  added: Fields = NO_FIELDS,
): Promise<Pipe> {
  const sockets = new Set<net.Socket>();
  const pipe = {
    port: 0,
    heads: [],
    clients: [],
    servers: [],
    errors: [],
    pongs: 0,
    clientPongs: 0,
    drainings: 0,
  } as Pipe & {
    port: number;
  };
  const listener = net.createServer((downSocket) => {
    const upSocket = net.connect(upstreamPort, "127.0.0.1");
    sockets.add(downSocket).add(upSocket);
    forward(pipe, codec, downSocket, upSocket, added);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  pipe.port = (listener.address() as net.AddressInfo).port;
  return pipe;
}

function forward(pipe: Pipe, codec: PipeCodec, downSocket: net.Socket, upSocket: net.Socket, added: Fields): void {
  const up = new Wire(upSocket);
  const down = new Wire(downSocket);
  const client = codec.createClient(up.output, {
    onStreamsAvailable() {},
    onDraining() {
      pipe.drainings++;
    },
    onReadPaused: (isPaused) => void (isPaused ? upSocket.pause() : upSocket.resume()),
    onOutputEnd() {},
    onSessionEnd(error) {
      pipe.errors.push(error);
      upSocket.end();
    },
    onPong() {
      pipe.pongs++;
    },
  });
  const server = codec.createServer(down.output, {
    onRequest(stream: ServerStream, head: RequestHead, isEnd: boolean): void {
      pipe.heads.push(head);
      const forwarded = added.length === 0 ? head : head.withFields([...head.fields, ...added]);
      const call = new Call(stream);
      stream.receiver = call;
      if (client.availableStreams > 0) call.up = client.open(forwarded, isEnd, call);
      else stream.reset("refused");
    },
    onRequestRefused(refusal: Refusal): Answer {
      return { head: new ResponseHead(refusal.status, NO_FIELDS, 0), body: NO_BODY };
    },
    onProtocolError() {},
    onReadPaused: (isPaused) => void (isPaused ? downSocket.pause() : downSocket.resume()),
    onOutputEnd() {},
    onSessionEnd(error) {
      pipe.errors.push(error);
      down.flush();
      downSocket.end();
      client.drain();
    },
    onPong() {
      pipe.clientPongs++;
    },
  });
  pipe.clients.push(client);
  pipe.servers.push(server);
  up.attach(client);
  down.attach(server);
}
