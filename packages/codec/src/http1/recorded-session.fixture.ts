import {
  NO_FIELDS,
  ResponseHead,
  type Answer,
  type ClientSession,
  type ClientSessionHandler,
  type ClientStream,
  type Fields,
  type Refusal,
  type RequestHead,
  type RequestReceiver,
  type ResetReason,
  type ResponseReceiver,
  type ServerSession,
  type ServerSessionHandler,
  type ServerStream,
} from "@weft/contract";
import { OutputBuffer, type WeftError } from "@weft/kernel";
import { Http1ClientSession } from "./client-session.ts";
import {
  createHttp1ClientOptions,
  createHttp1ServerOptions,
  type Http1ClientChoices,
  type Http1ServerChoices,
} from "./options.ts";
import { Http1ServerSession } from "./server-session.ts";
import { resetReasonOfError } from "./status.ts";
import type { Http1ErrorCode } from "./errors.ts";

/** All that an output buffer holds, as a latin1 text; takes it out. */
export function takeText(output: OutputBuffer): string {
  return Buffer.concat(output.take()).toString("latin1");
}

/** What the sessions of these tests answer refused requests with. */
export function refusalAnswer({ status, code, message }: Refusal): Answer {
  const body = Buffer.from(`[${code}] ${message}\n`, "latin1");
  return { head: new ResponseHead(status, ["content-type", "text/plain", "x-error", code], body.length), body };
}

/** For tests: hears one request or answer and writes down what it hears. */
export class RecordedStream implements RequestReceiver, ResponseReceiver {
  /** "data", "trailers", "reset", ... in order. */
  readonly events: string[] = [];
  body: string = "";
  trailers: Fields | null = null;
  isComplete: boolean = false;
  reset: string | null = null;
  responseHead: ResponseHead | null = null;
  readonly informational: ResponseHead[] = [];
  requestHead: RequestHead | null = null;
  stream: ServerStream | null = null;
  onData: ((byteCount: number) => void) | null = null;
  onComplete: (() => void) | null = null;
  onHead: ((head: ResponseHead) => void) | null = null;
  onChunk: ((bytes: Buffer, start: number, end: number, isEnd: boolean) => void) | null = null;

  onRequestData(bytes: Buffer, start: number, end: number, isEnd: boolean): void {
    this.#data(bytes, start, end, isEnd);
  }

  onResponseData(bytes: Buffer, start: number, end: number, isEnd: boolean): void {
    this.#data(bytes, start, end, isEnd);
  }

  onRequestTrailers(fields: Fields): void {
    this.#trailers(fields);
  }

  onResponseTrailers(fields: Fields): void {
    this.#trailers(fields);
  }

  onRequestReset(reason: ResetReason): void {
    this.events.push(`reset ${reason}`);
    this.reset = reason;
  }

  onRequestRefused(refusal: Refusal): Answer {
    this.onRequestReset(resetReasonOfError(refusal.code as Http1ErrorCode));
    return refusalAnswer(refusal);
  }

  onResponseReset(reason: ResetReason, detail: string): void {
    this.events.push(`reset ${reason}`);
    this.reset = `${reason}: ${detail}`;
  }

  onResponseWritable(): void {
    this.events.push("writable");
  }

  onRequestWritable(): void {
    this.events.push("writable");
  }

  onInformational(head: ResponseHead): void {
    this.events.push(`informational ${head.status}`);
    this.informational.push(head);
  }

  onResponseHead(head: ResponseHead, isEnd: boolean): void {
    this.events.push(`head ${head.status}`);
    this.responseHead = head;
    this.onHead?.(head);
    if (isEnd) this.complete();
  }

  complete(): void {
    this.isComplete = true;
    this.events.push("end");
    this.onComplete?.();
  }

  #data(bytes: Buffer, start: number, end: number, isEnd: boolean): void {
    const piece = bytes.toString("latin1", start, end);
    if (piece !== "") this.events.push("data");
    this.body += piece;
    this.onChunk?.(bytes, start, end, isEnd);
    this.onData?.(end - start);
    if (isEnd) this.complete();
  }

  #trailers(fields: Fields): void {
    this.trailers = fields;
    this.events.push("trailers");
    this.complete();
  }
}

/** For tests: hears what a server session asks and tells, and holds its output. */
export class RecordedServerSession<Session extends ServerSession> implements ServerSessionHandler {
  readonly output: OutputBuffer;
  readonly session: Session;
  readonly requests: RecordedStream[] = [];
  readonly pauses: boolean[] = [];
  readonly refusals: Refusal[] = [];
  readonly protocolErrors: string[] = [];
  ended: WeftError | null | undefined = undefined;
  endCount: number = 0;
  outputEndCount: number = 0;
  pongCount: number = 0;
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
    return refusalAnswer(refusal);
  }

  onProtocolError(code: string): void {
    this.protocolErrors.push(code);
  }

  onReadPaused(isPaused: boolean): void {
    this.pauses.push(isPaused);
  }

  onOutputEnd(): void {
    this.outputEndCount += 1;
  }

  onSessionEnd(error: WeftError | null): void {
    this.endCount += 1;
    this.ended = error;
    this.onEnd?.();
  }

  onPong(): void {
    this.pongCount += 1;
  }
}

/** For tests: hears what a client session tells, and holds its output. */
export class RecordedClientSession<Session extends ClientSession> implements ClientSessionHandler {
  readonly output: OutputBuffer;
  readonly session: Session;
  readonly pauses: boolean[] = [];
  availableCount: number = 0;
  drainingCount: number = 0;
  pongCount: number = 0;
  ended: WeftError | null | undefined = undefined;
  endCount: number = 0;
  outputEndCount: number = 0;
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

  onReadPaused(isPaused: boolean): void {
    this.pauses.push(isPaused);
  }

  onOutputEnd(): void {
    this.outputEndCount += 1;
  }

  onSessionEnd(error: WeftError | null): void {
    this.endCount += 1;
    this.ended = error;
    this.onEnd?.();
  }

  onPong(): void {
    this.pongCount += 1;
  }
}

/** Sends a text to a session, in pieces of `pieceBytes`. */
function feedText(session: ServerSession | ClientSession, text: string, pieceBytes: number): void {
  for (let at = 0; at < text.length; at += pieceBytes) {
    const bytes = Buffer.from(text.slice(at, at + pieceBytes), "latin1");
    session.receive(bytes, 0, bytes.length);
  }
}

/** For tests: a server session, all that it was asked and told, and its output. */
export class RecordedServer extends RecordedServerSession<Http1ServerSession> {
  constructor(choices: Http1ServerChoices = {}) {
    super((output, handler) => new Http1ServerSession(output, handler, createHttp1ServerOptions(choices)));
  }

  override onPong(): void {
    throw new Error("HTTP/1 has no heartbeat");
  }

  /** Sends bytes to the session, in pieces of `pieceBytes`; as one piece without. */
  feed(text: string, pieceBytes: number = text.length): void {
    feedText(this.session, text, pieceBytes);
  }

  /** The request that came last. */
  get last(): RecordedStream {
    const request = this.requests.at(-1);
    if (request === undefined) throw new Error("no request came");
    return request;
  }

  /** Answers the last request. */
  answer(status: number, body: string = "", fields: Fields = NO_FIELDS): void {
    const bytes = Buffer.from(body, "latin1");
    this.last.stream?.sendHead(new ResponseHead(status, fields, bytes.length), bytes.length === 0);
    if (bytes.length > 0) this.last.stream?.sendData(bytes, 0, bytes.length, true);
  }

  text(): string {
    return takeText(this.output);
  }
}

/** For tests: a client session, all that it was told, and its output. */
export class RecordedClient extends RecordedClientSession<Http1ClientSession> {
  constructor(choices: Http1ClientChoices = {}) {
    super((output, handler) => new Http1ClientSession(output, handler, createHttp1ClientOptions(choices)));
  }

  override onPong(): void {
    throw new Error("HTTP/1 has no pong");
  }

  open(head: RequestHead, isEnd: boolean = true): { answer: RecordedStream; stream: ClientStream } {
    const answer = new RecordedStream();
    return { answer, stream: this.session.open(head, isEnd, answer) };
  }

  feed(text: string, pieceBytes: number = text.length): void {
    feedText(this.session, text, pieceBytes);
  }

  text(): string {
    return takeText(this.output);
  }
}
