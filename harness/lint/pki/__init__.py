"""Judge certificates, chains, requests and CRLs by the rules of PKIoverheid, the OIN and the counterparties."""

from harness.lint.pki.judges import generation, judge_certificate, judge_chain, judge_crl, judge_csr

__all__ = ["generation", "judge_certificate", "judge_chain", "judge_crl", "judge_csr"]
