//! Good inputs for each target, made from a told log and from the project's own files.

use aether_audit::config::default_file;
use aether_audit::core::checkpoint::{CosignerKey, Note, cosign};
use aether_audit::core::hash::Hash;
use aether_audit::core::merkle::{Tree, leaf_hash};
use aether_audit::core::proof::TlogProof;
use aether_audit::core::witness::AddCheckpoint;

use super::common::{ORIGIN, TestLog, secret, story};

const CHECKLISTS: [&str; 3] = [
    include_str!("../../templates/Deployment_Checklist.md"),
    include_str!("../golden/checklist.md"),
    include_str!("../report/checklist.md"),
];

pub fn of(name: &str) -> Vec<Vec<u8>> {
    let log = story::told();
    let texts = |all: Vec<String>| all.into_iter().map(String::into_bytes).collect();
    match name {
        "entry" => log.entries,
        "note" => texts((1..6).map(|size| note(&log, size)).collect()),
        "proof" => texts(proofs(&log)),
        "roster" => {
            let mut rosters: Vec<_> = log.log.rosters.iter().map(|version| version.roster.clone()).collect();
            let mut last = rosters.last().unwrap().successor();
            last.witness_policy = Some(policy());
            rosters.push(last.into());
            texts(rosters.iter().map(|roster| roster.to_bytes()).collect())
        }
        "checklist" => texts(CHECKLISTS.map(str::to_owned).to_vec()),
        "config" => {
            let checks =
                "[[check]]\nid = \"a\"\nsource = \"file\"\npath = \"a.json\"\nobjective = \"< 0.1\"\n"
                    .to_owned();
            let golden = include_str!("../golden/aether.toml").to_owned();
            texts(vec![default_file(ORIGIN), golden, format!("{}{checks}", default_file(ORIGIN))])
        }
        "witness" => {
            let mut all = requests(&log);
            all.push(policy());
            texts(all)
        }
        "opening" => log.openings.into_values().collect(),
        _ => Vec::new(),
    }
}

fn cosigner() -> CosignerKey {
    CosignerKey::new("witness.example/w1", secret("witness").public()).unwrap()
}

fn policy() -> String {
    let second = CosignerKey::new("witness.example/w2", secret("other").public()).unwrap();
    let first = cosigner();
    format!(
        "# two\nwitness w1 {first} https://w1.example\nwitness w2 {second}\ngroup both all w1 w2\nquorum both\n"
    )
}

fn note(log: &TestLog, size: usize) -> String {
    let mut note = Note::parse(&log.checkpoint_at(size)).unwrap();
    if size.is_multiple_of(2) {
        note.add(cosign(note.text(), &cosigner(), &secret("witness"), 1_783_040_000));
    }
    note.to_string()
}

fn tree(log: &TestLog) -> Tree {
    Tree::new(&log.entries.iter().map(|bytes| leaf_hash(bytes)).collect::<Vec<Hash>>())
}

fn proofs(log: &TestLog) -> Vec<String> {
    let tree = tree(log);
    let proof = |index| {
        let path = tree.inclusion(index, tree.size()).unwrap();
        TlogProof { index, path, checkpoint: log.checkpoint() }.to_string()
    };
    (0..tree.size()).step_by(5).map(proof).collect()
}

fn requests(log: &TestLog) -> Vec<String> {
    let tree = tree(log);
    let request = |old| {
        let proof = tree.consistency(old, tree.size()).unwrap();
        AddCheckpoint { old, proof, checkpoint: log.checkpoint() }.to_body()
    };
    (1..tree.size()).step_by(5).map(request).collect()
}
