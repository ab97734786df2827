import type { AuditEvents } from '@meshwork/audit';
import type { NewsOf } from './news.ts';

const source = 'urn:meshwork:audit';

/** For admins: the log is everybody's. */
export const auditNews: NewsOf<AuditEvents> = {
  'checkpoint-signed': ({ size, hash, time }) => ({ source, type: 'meshwork.audit.checkpoint_signed', data: { size, hash, time } }),
  'log-trimmed': ({ dropped, keptFrom }) => ({ source, type: 'meshwork.audit.trimmed', data: { dropped, keptFrom } }),
  'tamper-found': ({ offset, kind, message }) => ({ source, type: 'meshwork.audit.tamper_found', data: { offset, kind, message } }),
  'verification-failed': ({ message }) => ({ source, type: 'meshwork.audit.verification_failed', data: { message } }),
  'journal-silent': ({ patienceMs }) => ({ source, type: 'meshwork.audit.journal_silent', data: { patienceMs } }),
  'journal-answers': ({ silentMs }) => ({ source, type: 'meshwork.audit.journal_answers', data: { silentMs } }),
};
