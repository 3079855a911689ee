import { Lb } from "@cdktn/provider-aws/lib/lb/index.js";
import { LbListener } from "@cdktn/provider-aws/lib/lb-listener/index.js";
import { LbTargetGroup } from "@cdktn/provider-aws/lib/lb-target-group/index.js";
import { SecurityGroup } from "@cdktn/provider-aws/lib/security-group/index.js";
import { VpcSecurityGroupEgressRule } from "@cdktn/provider-aws/lib/vpc-security-group-egress-rule/index.js";
import { VpcSecurityGroupIngressRule } from "@cdktn/provider-aws/lib/vpc-security-group-ingress-rule/index.js";
import { Construct } from "constructs";
import type { Network } from "../../stacks/network.ts";
import { suppressFindings } from "../../suppress-findings.ts";

type Needs = {
  readonly network: Network;
  /** Where the server listens. */
  readonly port: number;
  /** The server's security group. */
  readonly server: string;
  readonly certificate?: { readonly arn: string; readonly host: string } | undefined;
  readonly protect: boolean;
};

/**
 * A load balancer that only a VPC link reaches. With a certificate it speaks TLS; without one, HTTP inside the network:
 * what comes in from outside has come by TLS and IAM to the HTTP API before it.
 */
export const addInternalBalancer = (
  scope: Construct,
  id: string,
  { network, port, server, certificate, protect }: Needs,
) => {
  const place = new Construct(scope, id);
  const group = (name: string, description: string) =>
    new SecurityGroup(place, `${name}-group`, {
      name: `slipway-registry-${name}`,
      description,
      vpcId: network.vpc,
    });
  const link = group("link", "The HTTP API's way into the network");
  const balancerGroup = group("balancer", "The registry's load balancer: reached by the HTTP API alone");
  const listens = certificate === undefined ? 80 : 443;
  const pass = (name: string, from: string, to: string, at: number) => {
    const rule = { ipProtocol: "tcp", fromPort: at, toPort: at };
    new VpcSecurityGroupEgressRule(place, `${name}-out`, {
      ...rule,
      securityGroupId: from,
      referencedSecurityGroupId: to,
      description: name,
    });
    const entry = new VpcSecurityGroupIngressRule(place, `${name}-in`, {
      ...rule,
      securityGroupId: to,
      referencedSecurityGroupId: from,
      description: name,
    });
    if (at === 80) suppressFindings(entry, { CKV_AWS_260: "it lets in one security group, no addresses" });
  };
  pass("link-to-balancer", link.id, balancerGroup.id, listens);
  pass("balancer-to-server", balancerGroup.id, server, port);

  const balancer = new Lb(place, "balancer", {
    name: "slipway-registry",
    internal: true,
    loadBalancerType: "application",
    subnets: [...network.inside],
    securityGroups: [balancerGroup.id],
    dropInvalidHeaderFields: true,
    enableDeletionProtection: protect,
  });
  suppressFindings(balancer, {
    CKV_AWS_91: "the HTTP API before it logs each request with who made it",
    ...(certificate === undefined && {
      CKV2_AWS_20:
        "without a certificate there is nothing to redirect to: it is reached inside the network alone",
    }),
  });
  const targets = new LbTargetGroup(place, "targets", {
    name: "slipway-registry",
    vpcId: network.vpc,
    port,
    protocol: "HTTP",
    targetType: "ip",
    deregistrationDelay: "30",
    // It does not ask the database, so it never wakes it.
    healthCheck: {
      path: "/health",
      matcher: "200",
      interval: 60,
      timeout: 10,
      healthyThreshold: 2,
      unhealthyThreshold: 5,
    },
  });
  suppressFindings(targets, {
    CKV_AWS_378: "MLflow speaks HTTP; the way from the load balancer to it is one hop in its own subnets",
  });
  const listener = new LbListener(place, "listener", {
    loadBalancerArn: balancer.arn,
    port: listens,
    ...(certificate === undefined
      ? { protocol: "HTTP" }
      : {
          protocol: "HTTPS",
          certificateArn: certificate.arn,
          sslPolicy: "ELBSecurityPolicy-TLS13-1-2-2021-06",
        }),
    defaultAction: [{ type: "forward", targetGroupArn: targets.arn }],
  });
  if (certificate === undefined)
    suppressFindings(listener, {
      CKV_AWS_2:
        "no certificate is configured: HTTP inside the network, TLS and IAM at the HTTP API before it",
      CKV_AWS_103: "no certificate is configured",
    });
  return {
    listener,
    targetGroup: targets.arn,
    securityGroup: link.id,
    host: balancer.dnsName,
    metrics: { balancer: balancer.arnSuffix, targets: targets.arnSuffix },
  };
};
