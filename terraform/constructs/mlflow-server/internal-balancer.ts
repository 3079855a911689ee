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
  /** The server's port. */
  readonly port: number;
  /** The server's security group. */
  readonly server: string;
  readonly certificate?: { readonly arn: string; readonly host: string } | undefined;
};

/**
 * A load balancer that only a VPC link can reach. With a certificate it uses TLS, otherwise HTTP inside the network:
 * requests from outside come through the HTTP API, with TLS and IAM.
 */
export const addInternalBalancer = (
  scope: Construct,
  id: string,
  { network, port, server, certificate }: Needs,
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
  const listenerPort = certificate === undefined ? 80 : 443;
  const allowTraffic = (name: string, from: string, to: string, targetPort: number) => {
    const rule = { ipProtocol: "tcp", fromPort: targetPort, toPort: targetPort };
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
    if (targetPort === 80)
      suppressFindings(entry, { CKV_AWS_260: "it allows one security group, no addresses" });
  };
  allowTraffic("link-to-balancer", link.id, balancerGroup.id, listenerPort);
  allowTraffic("balancer-to-server", balancerGroup.id, server, port);

  const balancer = new Lb(place, "balancer", {
    name: "slipway-registry",
    internal: true,
    loadBalancerType: "application",
    subnets: [...network.inside],
    securityGroups: [balancerGroup.id],
    dropInvalidHeaderFields: true,
  });
  suppressFindings(balancer, {
    CKV_AWS_150: "it holds no data, and `running: false` of the configuration deletes it",
    CKV_AWS_91: "the HTTP API in front of it logs each request with its caller",
    ...(certificate === undefined && {
      CKV2_AWS_20: "without a certificate there is no redirect target; only the network can reach it",
    }),
  });
  const targets = new LbTargetGroup(place, "targets", {
    name: "slipway-registry",
    vpcId: network.vpc,
    port,
    protocol: "HTTP",
    targetType: "ip",
    deregistrationDelay: "30",
    // This path makes no query, so it does not wake the database.
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
    CKV_AWS_378: "MLflow uses HTTP, and the connection from the load balancer stays inside the subnets",
  });
  const listener = new LbListener(place, "listener", {
    loadBalancerArn: balancer.arn,
    port: listenerPort,
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
        "no certificate is configured: HTTP inside the network, TLS and IAM at the HTTP API in front of it",
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
