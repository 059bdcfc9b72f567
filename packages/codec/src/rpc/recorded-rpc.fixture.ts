import {
  type Answer,
  type ClientSession,
  type ClientStream,
  type Fields,
  NO_FIELDS,
  type Refusal,
  type RequestHead,
  ResponseHead,
  type ServerSession,
} from "@weft/contract";
import { RecordedClientSession, RecordedServerSession, RecordedStream } from "../http1/recorded-session.fixture.ts";

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
export class RecordedRpcServer<Session extends ServerSession> extends RecordedServerSession<Session> {
  override onRequestRefused(refusal: Refusal): Answer {
    this.refusals.push(refusal);
    return { head: new ResponseHead(refusal.status, ["x-weft-error", refusal.code], 0), body: Buffer.alloc(0) };
  }

  override onOutputEnd(): void {
    throw new Error("RPC has no tunnels");
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
export class RecordedRpcClient<Session extends ClientSession> extends RecordedClientSession<Session> {
  override onOutputEnd(): void {
    throw new Error("RPC has no tunnels");
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
