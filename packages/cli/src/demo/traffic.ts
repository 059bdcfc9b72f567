import { type Client, credentials } from "@grpc/grpc-js";
import { Agent, request as sendRequest } from "node:http";
import type { Clock, TimerHandle } from "@weft/kernel";
import { TRAFFIC_OPEN_MAX, TRAFFIC_REQUEST_MS_MAX, TRAFFIC_REQUESTS_PER_SECOND } from "./limits.ts";
import type { Mesh } from "./mesh.ts";
import { LOOPBACK } from "./shop/application.ts";
import { charge, createPaymentClient } from "./shop/payment-contract.ts";

/** Paths of the traffic, in turn; those that people look at more often are there more often. */
const PATHS: readonly string[] = [
  "/",
  "/cart",
  "grpc",
  "/checkout",
  "/cart",
  "/recommend",
  "/checkout",
  "grpc",
  "/api/headers",
  "/flaky?id=traffic",
];

/** Gentle traffic over the routes of the demo, so that there is something to see. */
export class Traffic {
  readonly #mesh: Mesh;
  readonly #clock: Clock;
  readonly #agent: Agent = new Agent({ keepAlive: true });
  readonly #payment: Client;
  #timer: TimerHandle | null = null;
  #turn: number = 0;
  #open: number = 0;

  constructor(mesh: Mesh, clock: Clock) {
    this.#mesh = mesh;
    this.#clock = clock;
    this.#payment = createPaymentClient(`${LOOPBACK}:${mesh.httpPort}`, credentials.createInsecure(), {});
  }

  start(): void {
    this.#timer = this.#clock.setTimer(() => this.#send(), 1000 / TRAFFIC_REQUESTS_PER_SECOND);
  }

  /** Sends no more and closes its connections. */
  stop(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#agent.destroy();
    this.#payment.close();
  }

  #send(): void {
    this.start();
    if (this.#open >= TRAFFIC_OPEN_MAX) return;
    const path = PATHS[this.#turn++ % PATHS.length] ?? "/";
    this.#open++;
    const sent = path === "grpc" ? this.#charge() : this.#get(path);
    const end = (): void => void this.#open--;
    // What fails shows in the mesh's own figures.
    sent.then(end, end);
  }

  async #charge(): Promise<void> {
    await charge(this.#payment, { order: `traffic-${this.#turn}`, cents: 100 }, TRAFFIC_REQUEST_MS_MAX);
  }

  #get(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(TRAFFIC_REQUEST_MS_MAX);
      const options = { agent: this.#agent, host: LOOPBACK, port: this.#mesh.httpPort, path, signal };
      const outgoing = sendRequest(options, (answer) => {
        answer.resume();
        answer.on("error", reject);
        answer.on("end", resolve);
      });
      outgoing.on("error", reject);
      outgoing.end();
    });
  }
}
