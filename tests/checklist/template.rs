//! The team's own checklist: complete, filled from variables, and read by the program as meant.

use std::collections::BTreeSet;

use aether_audit::core::checklist::{By, parse};
use askama::Template;

struct Contact {
    role: &'static str,
    contact: &'static str,
}

#[derive(Template)]
#[template(path = "Deployment_Checklist.md", escape = "none")]
struct Filled {
    project: &'static str,
    environment: &'static str,
    production_url: &'static str,
    dashboard_url: &'static str,
    channel: &'static str,
    workflow: &'static str,
    services: &'static str,
    verification_minutes: u32,
    standby_minutes: u32,
    http_5xx_objective: &'static str,
    http_5xx_rollback: &'static str,
    cpu_objective: &'static str,
    memory_objective: &'static str,
    escalation: Vec<Contact>,
}

fn filled() -> String {
    Filled {
        project: "Project Aether",
        environment: "production",
        production_url: "https://app.project-aether.io",
        dashboard_url: "https://console.aws.amazon.com/cloudwatch/dashboards/project-aether-prod",
        channel: "#proj-aether-deploy",
        workflow: "Deploy to Prod",
        services: "app, api",
        verification_minutes: 60,
        standby_minutes: 60,
        http_5xx_objective: "0.1 %",
        http_5xx_rollback: "1 %",
        cpu_objective: "80 %",
        memory_objective: "80 %",
        escalation: vec![
            Contact { role: "On-call SRE", contact: "+1 555 0100" },
            Contact { role: "Engineering manager", contact: "+1 555 0101" },
        ],
    }
    .render()
    .unwrap()
}

#[test]
fn everything_that_the_team_wrote_down_is_in_it() {
    let text = filled().to_lowercase();
    for fact in [
        // strategy and infrastructure
        "zero-downtime",
        "Blue/Green",
        "GitHub Actions",
        "CloudWatch",
        "Parameter Store",
        "RDS",
        "Route 53",
        "Slack",
        // roles
        "Lead Deployer",
        "Comms Lead",
        "QA Engineer",
        "Lead Site Reliability Engineer",
        "| On-call SRE | +1 555 0100 |\n| Engineering manager | +1 555 0101 |\n\n",
        // places
        "https://app.project-aether.io",
        "https://console.aws.amazon.com/cloudwatch/dashboards/project-aether-prod",
        "#proj-aether-deploy",
        "\"Deploy to Prod\"",
        // phase 1
        "Phase 1: Pre-Deployment (T-2 hours to T-0)",
        "Team and communication setup",
        "System and configuration audit",
        "Backup and rollback preparation",
        "go/no-go criteria",
        "production environment variables audited",
        "DNS TTL",
        "RDS snapshot",
        "code freeze",
        "stakeholder approval confirmed",
        // phase 2
        "Phase 2: Deployment Execution (T-0)",
        "build stage",
        "test stage",
        "provision stage",
        "health checks",
        "smoke test",
        "traffic shift confirmed",
        "traffic switched",
        "immediate functional verification",
        // phase 3
        "Phase 3: Post-Launch Verification (T+0 to T+1 hour)",
        "5xx errors, latency, CPU and memory",
        "critical path smoke testing",
        "log pattern analysis shows no anomalies",
        "60-minute stability",
        "performance and load validated",
        "all-clear declared",
        "wrap-up",
        "retrospective",
        "standby for 60 minutes",
        // thresholds
        "| HTTP 5xx error rate | below 0.1 % | above 1 % |",
        "| CPU utilization on application hosts | below 80 % |",
        "| Memory utilization on application hosts | below 80 % |",
        "historical p95/p99 baselines",
        // security
        "sensitive data exposure",
        "authentication and authorization verified",
        "security alert monitoring",
        "security practices",
        // rollback
        "HTTP 5xx error rate exceeds 1 %",
        "complete application unresponsiveness",
        "database connectivity failures",
        "critical security vulnerabilities",
        "business-critical functionality failures",
        "1. **Comms Lead**: immediate \"ROLLBACK INITIATED\" communication",
        "2. **Lead Deployer**: DNS reversion to the Blue environment",
        "3. **QA Engineer**: functionality verification on the previous version",
        "4. **Comms Lead**: stakeholder notification of rollback completion",
        "5. **Comms Lead**: incident review scheduling",
        "within minutes of detection",
        // before the first use
        "Review it with the deployment team and the stakeholders",
        "dry-run",
        "in staging",
        "Validate all monitoring dashboards and alert thresholds",
        "Train team members on their specific roles and responsibilities",
        "Schedule the first production deployment",
        "Establish the post-deployment retrospective process",
        // commands
        "aether-audit sign env-audit",
        "aether-audit open RELEASE --commit SHA",
        "aether-audit decide go --reason",
        "aether-audit decide all-clear --reason",
        "aether-audit rollback --reason",
    ] {
        assert!(text.contains(&fact.to_lowercase()), "not in the checklist: {fact}");
    }
}

#[test]
fn it_is_read_as_meant() {
    let checklist = parse(&filled()).unwrap();
    let phases: Vec<_> = checklist.phases.iter().map(|phase| phase.id.as_str()).collect();
    assert_eq!(phases, ["pre-deployment", "deployment", "post-launch"]);
    assert_eq!(checklist.phases[0].from.as_deref(), Some("T-2h"));
    assert_eq!(checklist.phases[0].to.as_deref(), Some("T-0"));

    let in_phase = |id: &str| {
        checklist.items.iter().filter(|item| item.spec.phase.as_deref() == Some(id)).collect::<Vec<_>>()
    };
    assert!((10..=16).contains(&in_phase("pre-deployment").len()));
    for phase in phases {
        let roles: BTreeSet<_> = in_phase(phase).iter().flat_map(|item| item.spec.roles.clone()).collect();
        assert_eq!(roles.len(), 3, "{phase} has work for {roles:?} only");
    }
    for item in &checklist.items {
        let spec = &item.spec;
        assert!(spec.phase.is_some() && !item.ticked && item.depth == 0, "{}", spec.id);
        assert!(!spec.id.starts_with("item-"), "line {} has no id", item.line);
        match (spec.by, spec.roles.as_slice()) {
            (Some(_), []) => {}
            (None, [role]) => {
                let name = item.title.split(':').next().unwrap().to_lowercase().replace(' ', "-");
                assert_eq!(&name, role, "line {} names another role than its annotation", item.line);
            }
            _ => panic!("line {}: one clear role, or an event", item.line),
        }
    }
    let by: Vec<_> =
        checklist.items.iter().filter_map(|item| Some((item.spec.id.as_str(), item.spec.by?))).collect();
    assert_eq!(
        by,
        [
            ("go-no-go", By::Go),
            ("deploy-workflow", By::Deploy),
            ("traffic-switch", By::Shift),
            ("all-clear", By::AllClear)
        ]
    );
    let checks: Vec<_> = in_phase("post-launch").iter().filter_map(|item| item.spec.check.clone()).collect();
    assert_eq!(checks, ["http-5xx", "latency-p95", "latency-p99", "cpu", "memory"]);
    assert!(
        checklist
            .items
            .iter()
            .all(|item| { item.spec.check.as_ref().is_none_or(|check| *check == item.spec.id) })
    );
    let audit = checklist.item("env-audit").unwrap();
    assert_eq!(
        (audit.spec.roles.as_slice(), &audit.spec.check),
        (["lead-deployer".to_owned()].as_slice(), &None)
    );
    for id in ["dns-ttl", "rds-snapshot", "code-freeze", "stakeholder-approval"] {
        assert_eq!(checklist.item(id).unwrap().spec.phase.as_deref(), Some("pre-deployment"), "{id}");
    }
}

#[test]
fn an_emergency_has_no_boxes() {
    let text = filled();
    let section = text.split("## Emergency rollback").nth(1).unwrap();
    assert!(!section.contains("- [ ]"));
}
