import { z } from 'zod';

const networks = (meaning: string) => z.array(z.string().min(1)).optional().describe(`${meaning} Addresses, or networks in CIDR notation.`);

/** Fields of the configuration file about who can reach the hub, and how. */
export const networkFields = {
  tls: z
    .strictObject({
      cert: z.string().min(1).describe("File with the hub's certificate in PEM, and those between it and its authority. Read again when it changes."),
      key: z.string().min(1).describe('File with its key in PEM.'),
      clientCa: z.string().min(1).optional().describe('File with the authorities of client certificates in PEM. Without it clients are not asked for one.'),
      clientCertificates: z
        .enum(['optional', 'required'])
        .optional()
        .describe('required: refuse connections without one that clientCa vouches for. Default optional.'),
      minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).optional().describe('Default TLSv1.3.'),
    })
    .optional()
    .describe('Serve TLS, and nothing else.'),
  trustedProxies: networks('Proxies whose Forwarded or X-Forwarded-For is believed; who comes through any other is external.'),
  allowAddresses: networks('Who may call at all. Default everybody.'),
  denyAddresses: networks('Who may not, even when allowed.'),
  maxConnectionsPerAddress: z.int().min(1).optional().describe('Connections one address, or IPv6 /64, may have. Default 64, for this machine no limit.'),
  maxConnections: z.int().min(1).optional().describe('Connections in all. Default 20000.'),
};

const certificateName = z.string().regex(/^(?:URI|DNS|EMAIL|IP):./, 'must begin with URI:, DNS:, EMAIL: or IP:');

/** Fields of its section `guardian` about client certificates. */
export const certificateFields = {
  certificates: z
    .array(z.union([z.strictObject({ name: certificateName, agent: z.string().min(1) }), z.strictObject({ name: certificateName, admin: z.literal(true) })]))
    .optional()
    .describe('Whose a client certificate is, by one of its subject alternative names, beside those of "meshwork certs client".'),
  certificateZone: z.literal('trusted').optional().describe('Puts external callers with a client certificate in the trusted zone.'),
};
