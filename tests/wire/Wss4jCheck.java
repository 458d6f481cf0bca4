import java.io.File;
import java.io.FileInputStream;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.List;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.CallbackHandler;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.apache.ws.security.WSConstants;
import org.apache.ws.security.WSEncryptionPart;
import org.apache.ws.security.WSPasswordCallback;
import org.apache.ws.security.WSSConfig;
import org.apache.ws.security.WSSecurityEngine;
import org.apache.ws.security.components.crypto.Merlin;
import org.apache.ws.security.message.WSSecHeader;
import org.apache.ws.security.message.WSSecSignature;
import org.apache.ws.security.message.WSSecTimestamp;
import org.w3c.dom.Document;

/** Holds our messages against Apache WSS4J, with the Basic Security Profile enforced: `verify IN STORE` and `sign IN STORE OUT`. */
public class Wss4jCheck {
    private static final String SECRET = "geheim";
    private static final String WSA = "http://www.w3.org/2005/08/addressing";
    private static final String SOAP = "http://schemas.xmlsoap.org/soap/envelope/";

    public static void main(String[] words) throws Exception {
        WSSConfig.init();
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        Document document = factory.newDocumentBuilder().parse(new File(words[1]));
        Merlin keys = keys(words[2]);
        if (words[0].equals("verify")) {
            verify(document, keys);
        } else {
            sign(document, keys, words[3]);
        }
    }

    private static Merlin keys(String file) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (FileInputStream input = new FileInputStream(file)) {
            store.load(input, SECRET.toCharArray());
        }
        Merlin keys = new Merlin();
        keys.setKeyStore(store);
        return keys;
    }

    private static void verify(Document document, Merlin keys) throws Exception {
        WSSConfig config = WSSConfig.getNewInstance();
        config.setWsiBSPCompliant(true);
        WSSecurityEngine engine = new WSSecurityEngine();
        engine.setWssConfig(config);
        CallbackHandler secret = Wss4jCheck::answer;
        System.out.println("accepted " + engine.processSecurityHeader(document, null, secret, keys, keys).size());
    }

    private static void answer(Callback[] questions) {
        for (Callback question : questions) {
            ((WSPasswordCallback) question).setPassword(SECRET);
        }
    }

    private static void sign(Document document, Merlin keys, String target) throws Exception {
        WSSecHeader header = new WSSecHeader();
        header.setMustUnderstand(true);
        header.insertSecurityHeader(document);
        new WSSecTimestamp().build(document, header);
        List<WSEncryptionPart> parts = new ArrayList<>();
        parts.add(new WSEncryptionPart("Timestamp", WSConstants.WSU_NS, ""));
        parts.add(new WSEncryptionPart("Body", SOAP, ""));
        for (String name : new String[] {"To", "Action", "MessageID", "From", "ReplyTo"}) {
            if (document.getElementsByTagNameNS(WSA, name).getLength() > 0) {
                parts.add(new WSEncryptionPart(name, WSA, ""));
            }
        }
        WSSecSignature signature = new WSSecSignature();
        signature.setUserInfo("own", SECRET);
        signature.setKeyIdentifierType(WSConstants.BST_DIRECT_REFERENCE);
        signature.setSignatureAlgorithm("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256");
        signature.setDigestAlgo("http://www.w3.org/2001/04/xmlenc#sha256");
        signature.setParts(parts);
        signature.build(document, keys, header);
        TransformerFactory.newInstance().newTransformer().transform(new DOMSource(document), new StreamResult(new File(target)));
    }
}
