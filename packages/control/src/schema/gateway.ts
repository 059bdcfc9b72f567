import { isIP } from "node:net";
import type { FrontendValidation, GatewayListener, GatewayResource, GatewaySpec, LabelSelector } from "@weft/contract";
import * as z from "zod";
import {
  checked,
  groupName,
  hostname,
  kindName,
  list,
  object,
  optional,
  port,
  type Report,
  sectionName,
  text,
  labelMap,
  textMap,
  word,
} from "./fields.ts";
import { resource } from "./metadata.ts";
import { objectReference } from "./references.ts";

/** The annotation-like option of a listener's TLS that Weft knows. */
export const MIN_TLS_VERSION_OPTION = "weft.dev/min-tls-version";

const labelSelector: z.ZodType<LabelSelector> = object({
  matchLabels: optional(labelMap),
  matchExpressions: optional(
    list(
      checked(
        object({
          key: text("a label's name", 316),
          operator: word(["In", "NotIn", "Exists", "DoesNotExist"]),
          values: optional(list(text("a label's value", 63, /^[^]*$/), 64)),
        }),
        ({ operator, values }, report) => {
          const needsValues = operator === "In" || operator === "NotIn";
          if (needsValues === (values ?? []).length > 0) return;
          report(["values"], needsValues ? `at least one value for ${operator}` : `no values for ${operator}`);
        },
      ),
      64,
    ),
  ),
});

const options = checked(textMap, (value, report) => {
  for (const [name, version] of Object.entries(value)) {
    if (name !== MIN_TLS_VERSION_OPTION) report([name], `no such option; the only one is "${MIN_TLS_VERSION_OPTION}"`);
    else if (version !== "TLSv1.2" && version !== "TLSv1.3") report([name], '"TLSv1.2" or "TLSv1.3"');
  }
});

function checkListenerTls({ protocol, tls, hostname: host }: GatewayListener, report: Report): void {
  if (protocol === "HTTP" || protocol === "TCP") {
    if (tls !== undefined) report(["tls"], `no tls for protocol ${protocol}`);
    if (protocol === "TCP" && host !== undefined) report(["hostname"], "no hostname for protocol TCP");
    return;
  }
  if (tls === undefined) {
    report(["tls"], `tls for protocol ${protocol}`);
    return;
  }
  if (protocol === "TLS" && tls.mode === undefined)
    report(["tls", "mode"], '"Terminate" or "Passthrough" for protocol TLS');
  if (protocol === "HTTPS" && tls.mode === "Passthrough") report(["tls", "mode"], '"Terminate" for protocol HTTPS');
  const certificates = tls.certificateRefs?.length ?? 0;
  if (tls.mode === "Passthrough" && protocol === "TLS") {
    if (certificates > 0)
      report(["tls", "certificateRefs"], "no certificates with mode Passthrough: TLS is not ended here");
    if (tls.options !== undefined)
      report(["tls", "options"], "no options with mode Passthrough: TLS is not ended here");
  } else if (certificates === 0) report(["tls", "certificateRefs"], "at least one certificate where TLS is ended");
}

const listener: z.ZodType<GatewayListener> = checked(
  object({
    name: sectionName,
    hostname: optional(hostname),
    port,
    protocol: word(["HTTP", "HTTPS", "TLS", "TCP"]),
    tls: optional(
      object({
        mode: optional(word(["Terminate", "Passthrough"])),
        certificateRefs: optional(list(objectReference, 64)),
        options: optional(options),
      }),
    ),
    allowedRoutes: optional(
      object({
        namespaces: optional(
          checked(
            object({
              from: optional(word(["All", "Same", "Selector", "None"])),
              selector: optional(labelSelector),
            }),
            ({ from, selector }, report) => {
              if (from === "Selector" && selector === undefined) report(["selector"], "a selector with from Selector");
              if (from !== "Selector" && selector !== undefined)
                report(["selector"], "no selector without from Selector");
            },
          ),
        ),
        kinds: optional(list(object({ group: optional(groupName), kind: kindName }), 8)),
      }),
    ),
  }),
  checkListenerTls,
);

const validation: z.ZodType<FrontendValidation> = object({
  caCertificateRefs: list(objectReference, 8, 1),
  mode: optional(word(["AllowValidOnly", "AllowInsecureFallback"])),
});

function checkListeners({ listeners, tls }: GatewaySpec, report: Report): void {
  const names = new Set<string>();
  const keys = new Set<string>();
  for (const [index, { name, port: number, protocol, hostname: host }] of listeners.entries()) {
    const key = `${number} ${protocol} ${host ?? ""}`;
    if (names.has(name)) report(["listeners", index, "name"], "a name that no other listener of the Gateway has");
    if (keys.has(key)) report(["listeners", index], "another port, protocol or hostname than the listeners before it");
    names.add(name);
    keys.add(key);
  }
  const ports = new Set(listeners.filter(({ protocol }) => protocol === "HTTPS").map((each) => each.port));
  for (const [index, { port: number }] of (tls?.frontend.perPort ?? []).entries()) {
    if (!ports.delete(number))
      report(["tls", "frontend", "perPort", index, "port"], "the port of an HTTPS listener, named once");
  }
}

/** Gateway API v1 Gateway. */
export const gatewaySchema: z.ZodType<GatewayResource> = resource(
  ["gateway.networking.k8s.io/v1"],
  "Gateway",
  checked(
    object(
      {
        gatewayClassName: word(["weft"]),
        listeners: list(listener, 64, 1),
        addresses: optional(
          list(
            object({
              type: optional(word(["IPAddress"])),
              value: z
                .string({ error: "an IP address" })
                .refine((value) => isIP(value) !== 0, { error: "an IP address" }),
            }),
            16,
          ),
        ),
        tls: optional(
          object(
            {
              frontend: object({
                default: object({ validation: optional(validation) }),
                perPort: optional(list(object({ port, tls: object({ validation: optional(validation) }) }), 64)),
              }),
            },
            { backend: "a client certificate for backends is set by TrafficPolicy tls.clientCertificateRef" },
          ),
        ),
      },
      {
        infrastructure: "Weft creates no infrastructure for a Gateway; listener settings are in ProxyConfig",
        allowedListeners: "ListenerSet is not supported",
        defaultScope: "default Gateways are not supported",
      },
    ),
    checkListeners,
  ),
);
