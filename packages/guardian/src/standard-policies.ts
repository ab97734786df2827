import { rolePolicies, standardRoleMatrix } from './role-matrix.ts';

/** The policies a hub starts with. What no policy permits is refused; a forbid beats every permit. */
export const standardPolicies = `
// Whoever has shown a credential may use tools that read or write.
@id("known-callers-use-tools")
permit (principal, action == Meshwork::Action::"call", resource)
when { !(principal is Meshwork::Anonymous) && resource.effect != "admin" };

// Administration is for admins.
@id("admins-administer")
permit (principal in Meshwork::Role::"admin", action == Meshwork::Action::"call", resource)
when { resource.effect == "admin" };

// Whoever has shown a credential may read resources and prompts; each shows a caller only what is its own.
@id("known-callers-read")
permit (principal, action == Meshwork::Action::"read", resource)
when { !(principal is Meshwork::Anonymous) };

// Whoever has shown a credential may read and write shared boards. Forbid what a board's keys are not for (resource.board, resource.key like "plans/*").
@id("known-callers-use-boards")
permit (principal, action in [Meshwork::Action::"readBoard", Meshwork::Action::"writeBoard"], resource)
when { !(principal is Meshwork::Anonymous) };

// From outside boards are only read.
@id("external-boards-read-only")
@reason("callers from outside the local machine and the trusted networks may only read boards")
forbid (principal, action == Meshwork::Action::"writeBoard", resource)
when { context.zone == "external" };

// Callers from outside only read. They may still ask for a permission, check one and give one back; and hubs that an operator has named as peers
// exchange boards, wherever they are: nobody else gets further than the tool.
@id("external-read-only")
@reason("callers from outside the local machine and the trusted networks may only read")
forbid (principal, action == Meshwork::Action::"call", resource)
when { context.zone == "external" && resource.effect != "read" && !(["permission", "replication"].contains(resource.category) && resource.effect == "write") };

// An agent that an admin added, on this machine and with its key, gets the everyday resources.
@id("local-agents-everyday-resources")
permit (principal is Meshwork::Agent, action == Meshwork::Action::"request", resource)
when { context.zone == "local" && resource.everyday };

// From a trusted network it gets those that are meant for use from afar.
@id("trusted-agents-remote-resources")
permit (principal is Meshwork::Agent, action == Meshwork::Action::"request", resource)
when { context.zone == "trusted" && resource.everyday && resource.remote };

// What an admin has allowed an agent, it gets.
@id("allowed-by-admin")
permit (principal is Meshwork::Agent, action == Meshwork::Action::"request", resource)
when { principal.allowed.contains(resource.name) };

// Nothing is granted to the outside.
@id("external-no-grants")
@reason("callers from outside the local machine and the trusted networks get no grants")
forbid (principal, action == Meshwork::Action::"request", resource)
when { context.zone == "external" };

// An agent that asks without end is stopped.
@id("too-many-requests")
@reason("more than 1,000 requests in the last minute; wait a minute")
forbid (principal, action == Meshwork::Action::"request", resource)
when { context.requestsLastMinute > 1000 };

// What each role may do with the tools of each category.
${rolePolicies(standardRoleMatrix)}`;
