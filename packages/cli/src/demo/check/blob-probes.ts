import { createHash } from "node:crypto";
import { type IncomingMessage, request as sendRequest } from "node:http";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import {
  CHECK_BODY_BYTES,
  CHECK_BODY_MS_MAX,
  CHECK_MEMORY_GROWTH_BYTES_MAX,
  CHECK_MEMORY_PASSES_MAX,
  CHECK_MEMORY_PERIOD_MS,
} from "../limits.ts";
import { readResidentBytes } from "../../admin/admin-client.ts";
import { LOOPBACK } from "../shop/application.ts";
import { blobPieces, blobSha256 } from "../shop/blob.ts";
import type { RunningMesh } from "../up.ts";
import { expect, type Probe } from "./probe.ts";

const MEGABYTES = CHECK_BODY_BYTES / 1_000_000;

async function upload({ mesh }: RunningMesh): Promise<void> {
  const answer = await new Promise<string>((resolve, reject) => {
    const outgoing = sendRequest(
      {
        host: LOOPBACK,
        port: mesh.httpPort,
        path: "/blob",
        method: "POST",
        // No length: the body is chunked, and HTTP/1.1 carries it so through every hop.
        headers: { "content-type": "application/octet-stream" },
        signal: AbortSignal.timeout(CHECK_BODY_MS_MAX),
      },
      (incoming) => void text(incoming).then(resolve, reject),
    );
    pipeline(Readable.from(blobPieces(CHECK_BODY_BYTES)), outgoing).catch(reject);
  });
  const { bytes, sha256 } = JSON.parse(answer) as { bytes: number; sha256: string };
  expect(bytes === CHECK_BODY_BYTES, `${bytes} of ${CHECK_BODY_BYTES} bytes arrived`);
  expect(sha256 === blobSha256(CHECK_BODY_BYTES), "the bytes that arrived are not those that were sent");
}

async function download({ mesh }: RunningMesh): Promise<void> {
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    const path = `/blob?bytes=${CHECK_BODY_BYTES}`;
    const signal = AbortSignal.timeout(CHECK_BODY_MS_MAX);
    sendRequest({ host: LOOPBACK, port: mesh.httpPort, path, signal }, resolve).on("error", reject).end();
  });
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const piece of incoming as AsyncIterable<Buffer>) {
    hash.update(piece);
    bytes += piece.length;
  }
  expect(bytes === CHECK_BODY_BYTES, `${bytes} of ${CHECK_BODY_BYTES} bytes arrived`);
  expect(hash.digest("hex") === blobSha256(CHECK_BODY_BYTES), "the bytes that arrived are not those that were sent");
}

/**
 * Runs `transfer` at least twice. The first fills the buffers that the proxies keep for reuse; during the next the memory
 * of the two proxies on the way must not grow any more: a body that is held somewhere would show, and each time again.
 */
async function watched(running: RunningMesh, transfer: (mesh: RunningMesh) => Promise<void>): Promise<string> {
  const startMs = performance.now();
  await transfer(running);
  const seconds = (performance.now() - startMs) / 1000;
  let growth = Number.POSITIVE_INFINITY;
  for (let pass = 0; pass < CHECK_MEMORY_PASSES_MAX && growth > CHECK_MEMORY_GROWTH_BYTES_MAX; pass++) {
    growth = Math.min(growth, await growthDuring(running, transfer));
  }
  const grown = Math.ceil(growth / 1_000_000);
  const reason = `each time that ${MEGABYTES} MB passed a proxy grew by ${grown} MB or more`;
  expect(growth <= CHECK_MEMORY_GROWTH_BYTES_MAX, reason);
  return `${MEGABYTES} MB in ${seconds.toFixed(1)} s, hash verified; another ${MEGABYTES} MB cost no proxy more than ${grown} MB`;
}

/** By how many bytes the memory of a proxy on the way grew at most while a body passed. */
async function growthDuring(running: RunningMesh, transfer: (mesh: RunningMesh) => Promise<void>): Promise<number> {
  const { mesh } = running;
  const sidecar = mesh.instances.find(({ name }) => name === "storefront");
  const ports = [mesh.adminPort, sidecar?.adminPort ?? 0];
  const read = (): Promise<number[]> =>
    Promise.all(ports.map((port) => readResidentBytes({ address: LOOPBACK, port })));
  const before = await read();
  let growth = 0;
  const measure = async (): Promise<void> => {
    const now = await read();
    for (const [index, bytes] of now.entries()) growth = Math.max(growth, bytes - (before[index] ?? 0));
  };
  // A measurement that fails shows in the last one, which is awaited.
  const timer = setInterval(() => void measure().catch(() => {}), CHECK_MEMORY_PERIOD_MS);
  try {
    await transfer(running);
  } finally {
    clearInterval(timer);
  }
  await measure();
  return growth;
}

/** Bodies far larger than any buffer. */
export const BLOB_PROBES: readonly Probe[] = [
  { name: "large body up", run: (mesh) => watched(mesh, upload) },
  { name: "large body down", run: (mesh) => watched(mesh, download) },
];
