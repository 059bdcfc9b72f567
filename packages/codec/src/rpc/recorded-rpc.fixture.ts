import {
  type Answer,
  type ClientSession,
  type ClientSessionHandler,
  type ClientStream,
  type Fields,
  NO_FIELDS,
  type Refusal,
  type RequestHead,
  ResponseHead,
  type ServerSession,
  type ServerSessionHandler,
  type ServerStream,
} from "@weft/contract";
import { OutputBuffer, type WeftError } from "@weft/kernel";
import { RecordedStream } from "../http1/recorded-session.fixture.ts";

/** For tests: hands `bytes` to a session in reads of `pieceBytes`, each in a buffer that is wiped afterwards. */
export function feedBytes(session: ServerSession | ClientSession, bytes: Buffer, pieceBytes: number): void {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    // Nobody may keep what only stands in the read buffer.
    const read = Buffer.from(bytes.subarray(at, at + pieceBytes));
    session.receive(read, 0, read.length);
    read.fill(0xee);
  }
}

/** For tests: a server session, all that it was asked and told, and its output. */
export class RecordedRpcServer<Session extends ServerSession> implements ServerSessionHandler {
  readonly output: OutputBuffer;
  readonly session: Session;
  readonly requests: RecordedStream[] = [];
  readonly refusals: Refusal[] = [];
  readonly protocolErrors: string[] = [];
  readonly pauses: boolean[] = [];
  ended: WeftError | null | undefined = undefined;
  endCount: number = 0;
  pongs: number = 0;
  onAccepted: ((request: RecordedStream) => void) | null = null;
  onPending: (() => void) | null = null;
  onEnd: (() => void) | null = null;

  constructor(create: (output: OutputBuffer, handler: ServerSessionHandler) => Session) {
    this.output = new OutputBuffer({ onOutputPending: () => this.onPending?.() });
    this.session = create(this.output, this);
  }

  onRequest(stream: ServerStream, head: RequestHead, isEnd: boolean): void {
    const request = new RecordedStream();
    request.requestHead = head;
    request.stream = stream;
    stream.receiver = request;
    this.requests.push(request);
    if (isEnd) request.complete();
    this.onAccepted?.(request);
  }

  onRequestRefused(refusal: Refusal): Answer {
    this.refusals.push(refusal);
    return { head: new ResponseHead(refusal.status, ["x-weft-error", refusal.code], 0), body: Buffer.alloc(0) };
  }

  onProtocolError(code: string): void {
    this.protocolErrors.push(code);
  }

  onOutputEnd(): void {
    throw new Error("RPC has no tunnels");
  }

  onReadPaused(isPaused: boolean): void {
    this.pauses.push(isPaused);
  }

  onSessionEnd(error: WeftError | null): void {
    this.endCount += 1;
    this.ended = error;
    this.onEnd?.();
  }

  onPong(): void {
    this.pongs += 1;
  }

  feed(bytes: Buffer, pieceBytes: number = bytes.length): void {
    feedBytes(this.session, bytes, Math.max(1, pieceBytes));
  }

  /** The request at `index`, by default the one that came last. */
  request(index: number = -1): RecordedStream {
    const request = this.requests.at(index);
    if (request === undefined) throw new Error("no such request came");
    return request;
  }

  /** Answers a request, by default the last one. */
  answer(head: ResponseHead, body: Buffer = Buffer.alloc(0), index: number = -1): void {
    const { stream } = this.request(index);
    stream?.sendHead(head, body.length === 0);
    if (body.length > 0) stream?.sendData(body, 0, body.length, true);
  }

  /** Answers the last request as the proxy itself does. */
  answerError(status: number, code: string): void {
    this.answer(new ResponseHead(status, ["content-type", "text/plain", "x-weft-error", code], 4), Buffer.from("oops"));
  }

  /** What the output holds; takes it out. */
  bytes(): Buffer {
    return Buffer.concat(this.output.take());
  }
}

/** For tests: a client session, all that it was told, and its output. */
export class RecordedRpcClient<Session extends ClientSession> implements ClientSessionHandler {
  readonly output: OutputBuffer;
  readonly session: Session;
  readonly pauses: boolean[] = [];
  availableCount: number = 0;
  drainingCount: number = 0;
  pongCount: number = 0;
  ended: WeftError | null | undefined = undefined;
  endCount: number = 0;
  onPending: (() => void) | null = null;
  onEnd: (() => void) | null = null;

  constructor(create: (output: OutputBuffer, handler: ClientSessionHandler) => Session) {
    this.output = new OutputBuffer({ onOutputPending: () => this.onPending?.() });
    this.session = create(this.output, this);
  }

  onStreamsAvailable(): void {
    this.availableCount += 1;
  }

  onDraining(): void {
    this.drainingCount += 1;
  }

  onOutputEnd(): void {
    throw new Error("RPC has no tunnels");
  }

  onReadPaused(isPaused: boolean): void {
    this.pauses.push(isPaused);
  }

  onSessionEnd(error: WeftError | null): void {
    this.endCount += 1;
    this.ended = error;
    this.onEnd?.();
  }

  onPong(): void {
    this.pongCount += 1;
  }

  /** Opens a stream and sends its whole body, if there is one. */
  call(head: RequestHead, body: Buffer = Buffer.alloc(0)): { answer: RecordedStream; stream: ClientStream } {
    const answer = new RecordedStream();
    const stream = this.session.open(head, body.length === 0, answer);
    if (body.length > 0) stream.sendData(body, 0, body.length, true);
    return { answer, stream };
  }

  feed(bytes: Buffer, pieceBytes: number = bytes.length): void {
    feedBytes(this.session, bytes, Math.max(1, pieceBytes));
  }

  bytes(): Buffer {
    return Buffer.concat(this.output.take());
  }
}

/** Fields as an object, for comparisons. */
export function fieldsOf(fields: Fields = NO_FIELDS): Record<string, string> {
  const record: Record<string, string> = {};
  for (let index = 0; index < fields.length; index += 2) record[fields[index] ?? ""] = fields[index + 1] ?? "";
  return record;
}
