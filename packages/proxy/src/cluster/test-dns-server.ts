import { createSocket, type Socket } from "node:dgram";
import { createServer, isIPv6, type Server } from "node:net";
import { once } from "node:events";

const HEADER_BYTES = 12;
const TYPE_A = 1;
const TYPE_CNAME = 5;
const TYPE_AAAA = 28;
const CLASS_IN = 1;
/** A pointer to the question's name. */
const QUESTION_NAME = Buffer.of(0xc0, HEADER_BYTES);
const UDP_BYTES_MAX = 512;

/** How a question for one record type of a name is answered. */
export type Reply =
  | { readonly type: "records"; readonly addresses: readonly string[]; readonly ttlSeconds: number }
  | { readonly type: "cname"; readonly target: string }
  | { readonly type: "nxdomain" | "servfail" | "silent" };

/** A DNS server on loopback, over UDP and TCP, that answers as it is told to. RFC 1035 as far as tests need it. */
export class TestDnsServer {
  readonly #udp: Socket;
  readonly #tcp: Server;
  readonly #replies: Map<string, Reply> = new Map();
  /** "name type" of every question, in order. */
  readonly questions: string[] = [];

  private constructor(udp: Socket, tcp: Server) {
    this.#udp = udp;
    this.#tcp = tcp;
    udp.on("message", (query, peer) => {
      const answer = this.#answer(query);
      if (answer !== null) udp.send(truncate(answer, query), peer.port, peer.address);
    });
    tcp.on("connection", (socket) => {
      socket.on("error", () => socket.destroy());
      socket.on("data", (chunk: Buffer) => {
        // Questions are small: one arrives whole.
        const answer = this.#answer(chunk.subarray(2));
        if (answer !== null) socket.write(Buffer.concat([uint16(answer.length), answer]));
      });
    });
  }

  static async start(): Promise<TestDnsServer> {
    for (;;) {
      const udp = createSocket("udp4");
      udp.bind(0, "127.0.0.1");
      await once(udp, "listening");
      const tcp = createServer();
      const server = new TestDnsServer(udp, tcp);
      tcp.listen(udp.address().port, "127.0.0.1");
      // The port may be taken for TCP: then another one is tried.
      if (await once(tcp, "listening").then(isTrue, isFalse)) return server;
      udp.close();
    }
  }

  get address(): string {
    return `127.0.0.1:${this.#udp.address().port}`;
  }

  /** What is not set does not exist. */
  set(name: string, type: "A" | "AAAA", reply: Reply): void {
    this.#replies.set(`${name} ${type}`, reply);
  }

  async stop(): Promise<void> {
    this.#udp.close();
    this.#tcp.close();
    await Promise.all([once(this.#udp, "close"), once(this.#tcp, "close")]);
  }

  #answer(query: Buffer): Buffer | null {
    const question = readQuestion(query);
    this.questions.push(question.key);
    const reply = this.#replies.get(question.key) ?? { type: "nxdomain" };
    switch (reply.type) {
      case "silent":
        return null;
      case "nxdomain":
        return message(query, question.bytes, 3, []);
      case "servfail":
        return message(query, question.bytes, 2, []);
      case "cname":
        return message(query, question.bytes, 0, [record(TYPE_CNAME, 60, encodeName(reply.target))]);
      case "records":
        return message(
          query,
          question.bytes,
          0,
          reply.addresses.map((address) =>
            isIPv6(address)
              ? record(TYPE_AAAA, reply.ttlSeconds, encodeIpv6(address))
              : record(TYPE_A, reply.ttlSeconds, Buffer.from(address.split(".").map(Number))),
          ),
        );
    }
  }
}

function isTrue(): boolean {
  return true;
}

function isFalse(): boolean {
  return false;
}

function readQuestion(query: Buffer): { readonly key: string; readonly bytes: Buffer } {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const type = query.readUInt16BE(at + 1);
  const name = labels.join(".").toLowerCase();
  return { key: `${name} ${type === TYPE_AAAA ? "AAAA" : "A"}`, bytes: query.subarray(HEADER_BYTES, at + 5) };
}

function message(query: Buffer, question: Buffer, code: number, records: readonly Buffer[]): Buffer {
  // Response, recursion desired and available.
  const flags = uint16(0x8180 | code);
  const counts = Buffer.concat([uint16(1), uint16(records.length), uint16(0), uint16(0)]);
  return Buffer.concat([query.subarray(0, 2), flags, counts, question, ...records]);
}

/** Over UDP, what does not fit is asked again over TCP. */
function truncate(answer: Buffer, query: Buffer): Buffer {
  if (answer.length <= UDP_BYTES_MAX) return answer;
  const short = message(query, readQuestion(query).bytes, 0, []);
  short.writeUInt16BE(0x8380, 2);
  return short;
}

function record(type: number, ttlSeconds: number, data: Buffer): Buffer {
  const ttl = Buffer.alloc(4);
  ttl.writeUInt32BE(ttlSeconds);
  return Buffer.concat([QUESTION_NAME, uint16(type), uint16(CLASS_IN), ttl, uint16(data.length), data]);
}

function encodeName(name: string): Buffer {
  const labels = name.split(".").map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.of(0)]);
}

/** Eight groups of hexadecimal digits, or fewer with one "::". */
function encodeIpv6(address: string): Buffer {
  const [head = "", tail = ""] = address.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  return Buffer.concat([...before, ...zeros, ...after].map((group) => uint16(Number.parseInt(group, 16))));
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
